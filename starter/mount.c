/* Mounting on descriptors: what was resolved inside a root is what is mounted on. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* MOUNT_ATTR_* of mount_setattr(2) have the numbers of these MS_*. */
enum { BIND_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC };

/*
 * A path that names exactly what is behind `fd`, from the working directory that this sets: through
 * procfs, held open since the start, or where there is none "." in the directory itself (which takes
 * the right to search it). Neither crosses what is mounted on top.
 */
int stand_at(const struct starter *starter, int fd, struct spot *spot)
{
  if (starter->proc >= 0) {
    snprintf(spot->path, sizeof spot->path, "self/fd/%d", fd);
    return fchdir(starter->proc) < 0 ? errno : 0;
  }
  strcpy(spot->path, ".");
  return fchdir(fd) < 0 ? errno : 0;
}

int mount_at(const struct starter *starter, int target, const char *source, const char *fstype,
             unsigned long flags, const char *data)
{
  struct spot spot;
  int error = stand_at(starter, target, &spot);
  if (!error && mount(source, spot.path, fstype, flags, data) < 0)
    error = errno;
  if (chdir("/") < 0 && !error)
    error = errno;
  return error;
}

/* The flags of a mount as MS_* bits: those that a remount must repeat where they are locked. */
static int present_flags(int mount, unsigned long *flags)
{
  static const struct {
    unsigned long stat, mount;
  } pairs[] = {
    {ST_RDONLY, MS_RDONLY},         {ST_NOSUID, MS_NOSUID},
    {ST_NODEV, MS_NODEV},           {ST_NOEXEC, MS_NOEXEC},
    {ST_NOATIME, MS_NOATIME},       {ST_NODIRATIME, MS_NODIRATIME},
    {ST_RELATIME, MS_RELATIME},     {ST_NOSYMFOLLOW, MS_NOSYMFOLLOW},
  };
  struct statvfs found;
  if (fstatvfs(mount, &found) < 0)
    return errno;
  *flags = 0;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (found.f_flag & pairs[i].stat)
      *flags |= pairs[i].mount;
  return 0;
}

static int set_attributes(const struct starter *starter, int mount, uint32_t flags, int recursive)
{
  if (starter->flags & FLAG_CLASSIC)
    return ENOSYS;
  struct kernel_mount_attr attributes = {.set = flags & BIND_FLAGS};
  return syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | recursive, &attributes,
                 sizeof attributes) < 0
           ? errno
           : 0;
}

/* Adds to the flags of the mount whose root is behind `mount`. */
int add_mount_flags(const struct starter *starter, int mount, uint32_t flags, bool recursive)
{
  unsigned long present;
  int error = flags ? set_attributes(starter, mount, flags, 0) : 0;
  if (error) {
    error = present_flags(mount, &present);
    if (!error && (present & flags) != flags)
      error = mount_at(starter, mount, NULL, NULL, MS_REMOUNT | MS_BIND | flags | present, NULL);
  }
  /* An improvement where the kernel has it: a writable file system below a read-only bind. */
  if (!error && recursive && (flags & MS_RDONLY))
    set_attributes(starter, mount, MS_RDONLY, AT_RECURSIVE);
  return error;
}

/* A skipped op: the file server's end is never a reason to go on. */
static int tolerate(const struct starter *starter, bool optional, const char *warning, int error)
{
  if (!error || !optional || error == ENOTCONN || error == ECONNABORTED)
    return error;
  print_warning(starter, warning, error);
  return 0;
}

int op_propagation(struct starter *starter, const struct op_propagation *op)
{
  (void)starter;
  return mount(NULL, op->target, NULL, op->flags, NULL) < 0 ? errno : 0;
}

int op_mount(struct starter *starter, const struct op_mount *op)
{
  auto_fd target = resolve(starter, op->root, op->target);
  int error = target < 0 ? -target
                         : mount_at(starter, target, op->source, op->fstype, op->flags, op->data);
  return tolerate(starter, op->optional, "", error);
}

/* The bind mount as a tree that is not attached yet, flags and all; minus an errno: the classic way. */
static int bind_tree(const struct starter *starter, int source, int target,
                     const struct op_bind *op)
{
  if (starter->flags & FLAG_CLASSIC)
    return -ENOSYS;
  auto_fd tree = (int)syscall(SYS_open_tree, source, "",
                              AT_EMPTY_PATH | OPEN_TREE_CLONE | O_CLOEXEC |
                                (op->recursive ? AT_RECURSIVE : 0));
  if (tree < 0 || syscall(SYS_move_mount, tree, "", target, "",
                          MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return -errno;
  return take_fd(&tree);
}

static int bind_classic(const struct starter *starter, int source, int target,
                        const struct op_bind *op)
{
  char from[40];
  if (starter->proc < 0)
    return -ENOENT;
  snprintf(from, sizeof from, "self/fd/%d", source);
  int error =
    mount_at(starter, target, from, NULL, MS_BIND | (op->recursive ? MS_REC : 0), NULL);
  return error ? -error : resolve(starter, op->root, op->target);
}

static int open_target(const struct starter *starter, int source, const struct op_bind *op)
{
  int target = resolve(starter, op->root, op->target);
  if (target != -ENOENT)
    return target;
  struct stat found;
  if (!op->create)
    return -EDESTADDRREQ;
  if (fstat(source, &found) < 0)
    return -errno;
  if (S_ISDIR(found.st_mode))
    return resolve_make(op->root, op->target, WALK_MAKE_DIRECTORY, 0755);
  return resolve_make(op->root, op->target, WALK_MAKE_FILE, 0644);
}

static int bind_mount(struct starter *starter, const struct op_bind *op)
{
  auto_fd source = resolve(starter, op->source_root, op->source);
  if (source < 0)
    return -source;
  auto_fd target = open_target(starter, source, op);
  if (target < 0)
    return -target;
  auto_fd mount = bind_tree(starter, source, target, op);
  if (mount < 0)
    mount = bind_classic(starter, source, target, op);
  if (mount < 0)
    return -mount;
  return add_mount_flags(starter, mount, op->flags, op->recursive);
}

int op_bind(struct starter *starter, const struct op_bind *op)
{
  return tolerate(starter, op->optional, op->warning, bind_mount(starter, op));
}

int op_remount(struct starter *starter, const struct op_remount *op)
{
  auto_fd mount = resolve(starter, op->root, op->target);
  if (mount < 0)
    return -mount;
  unsigned long present;
  int error = mount_at(starter, mount, NULL, NULL, MS_REMOUNT | MS_BIND | op->flags, NULL);
  /* Locked by the user namespace above: what is there must be asked for again. */
  if (error == EPERM && !present_flags(mount, &present))
    error = mount_at(starter, mount, NULL, NULL, MS_REMOUNT | MS_BIND | op->flags | present, NULL);
  return error;
}

int op_umount(struct starter *starter, const struct op_umount *op)
{
  int error = umount2(op->target, op->detach ? MNT_DETACH : 0) < 0 ? errno : 0;
  return tolerate(starter, op->optional, "", error);
}
