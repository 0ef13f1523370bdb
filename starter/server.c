/* The file server's side: between clone and exec. */
#include "server.h"
#include "kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* Where a server mounts itself in its own root: a directory on every system, and of no use to it. */
#define SELF_MOUNT_POINT "/sys"

enum { KEEP_MAX = 32 };

/* N of "/dev/fd/N"; -1: another word. */
static int named_fd(const char *word)
{
  int fd, end = 0;
  return sscanf(word, "/dev/fd/%d%n", &fd, &end) == 1 && !word[end] ? fd : -1;
}

/* What is left of privileges: to read as root may, and to mount where that is its task. */
static void confine(bool self_mount)
{
  uint64_t keep = 1ULL << KERNEL_CAP_DAC_OVERRIDE | 1ULL << KERNEL_CAP_DAC_READ_SEARCH;
  uint64_t mount = self_mount ? 1ULL << KERNEL_CAP_SYS_ADMIN : 0;
  limit_bounding(keep | mount);
  /* One that the container's program lacks: whose capabilities are fewer cannot look at us in /proc. */
  raise_ambient(mount | 1ULL << KERNEL_CAP_DAC_READ_SEARCH);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Fills in %f and %m; comes back only if the program cannot be run. */
static void exec_server(const struct op_fuse *op, int fuse)
{
  char device[32];
  snprintf(device, sizeof device, "/dev/fd/%d", fuse);
  for (uint32_t i = 0; i < op->argv.count; i++) {
    if (strcmp(op->argv.items[i], "%f") == 0)
      op->argv.items[i] = device;
    else if (strcmp(op->argv.items[i], "%m") == 0)
      op->argv.items[i] = (char *)(*op->server_root ? SELF_MOUNT_POINT : op->target);
  }
  execve(op->argv.items[0], op->argv.items, op->env.items);
  dprintf(STDERR_FILENO, "%s: %s", op->argv.items[0], strerror(errno));
}

static _Noreturn void serve(const struct op_fuse *op, const struct server_pipes *pipes)
{
  char byte;
  int keep[KEEP_MAX] = {pipes->fuse, pipes->go[0], pipes->alive[1], pipes->lock};
  size_t count = 4;
  for (uint32_t i = 0; i < op->argv.count && count < KEEP_MAX; i++)
    keep[count++] = named_fd(op->argv.items[i]);
  setsid();
  null_stdio(pipes->log);
  close_others(keep, count);
  if (*op->server_root && chroot(op->server_root) < 0)
    _exit(FAILED);
  if (chdir("/") < 0 || (!op->self_mount && read(pipes->go[0], &byte, 1) != 1))
    _exit(FAILED);
  close(pipes->go[0]);
  /* The one that the program serves, or whose end tells of its own. */
  fcntl(op->self_mount ? pipes->alive[1] : pipes->fuse, F_SETFD, 0);
  fcntl(pipes->lock, F_SETFD, 0);
  confine(op->self_mount);
  umask(022);
  exec_server(op, pipes->fuse);
  _exit(FAILED);
}

/* Locks the image; a server that is about to end may hold it for a moment. */
static int lock_image(const struct starter *starter, const struct op_fuse *op, int *lock)
{
  bool exclusive = op->lock != LOCK_SHARED;
  auto_fd found = resolve(starter, op->server_root, op->source);
  auto_fd image = found < 0 ? found : reopen(starter, found, exclusive ? O_RDWR : O_RDONLY);
  if (image < 0)
    return -image;
  int error = lock_range(image, exclusive, op->lock_offset, op->lock_size);
  if (!error)
    *lock = take_fd(&image);
  return error;
}

/* A second place of the mount that is shared with the starter's namespace, in the server's root. */
static int share(const struct op_fuse *op, char place[PATH_MAX])
{
  int length = snprintf(place, PATH_MAX, "%s" SELF_MOUNT_POINT, op->server_root);
  if (length < 0 || length >= PATH_MAX)
    return ENAMETOOLONG;
  return mount(op->target, place, NULL, MS_BIND, NULL) < 0 ? errno : 0;
}

static void unshare_mount(const struct op_fuse *op, const struct server_pipes *pipes,
                          const char *place, pid_t server)
{
  char byte;
  /* The starter is gone: what the server has mounted, or would yet, has no user. */
  if (read(pipes->go[0], &byte, 1) != 1)
    kill(server, SIGKILL);
  /* Nothing of it may stay here, or the server would hold itself. */
  umount2(op->target, MNT_DETACH);
  if (*place)
    umount2(place, MNT_DETACH);
}

void start_server(const struct starter *starter, const struct op_fuse *op,
                  struct server_pipes *pipes)
{
  char place[PATH_MAX] = "";
  int error = 0;
  close(take_fd(&pipes->go[1]));
  /* Who kills the starter's process group must not kill the one that cleans up after it. */
  setsid();
  if (op->lock)
    error = lock_image(starter, op, &pipes->lock);
  if (!error && op->self_mount && *op->server_root)
    error = share(op, place);
  /* The starter's mount must not come over; where "/" is no mount point nothing can. */
  if (!op->self_mount)
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  pid_t server = error ? -1 : fork();
  if (server == 0)
    serve(op, pipes);
  if (server < 0)
    _exit(error ? error : errno);
  close_fd(&pipes->alive[1]);
  if (op->self_mount)
    unshare_mount(op, pipes, place, server);
  _exit(0);
}
