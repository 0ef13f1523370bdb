/* Changes the root of the mount namespace. */
#include "starter.h"

#include <stdio.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* In the new root. Where "/" is an initramfs nothing can be pivoted: its place is taken instead. */
static int move_over_root(const char *put_old)
{
  if (*put_old && mount("/", put_old, NULL, MS_BIND | MS_REC, NULL) < 0)
    return errno;
  if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
    return errno;
  return 0;
}

static int pivot(const struct starter *starter, const char *put_old)
{
  if (starter->flags & FLAG_CHROOT)
    return move_over_root(put_old);
  /* The old root ends up on top of the new one, from where it is detached. */
  if (syscall(SYS_pivot_root, ".", *put_old ? put_old : ".") < 0)
    return errno == EINVAL ? move_over_root(put_old) : errno;
  return !*put_old && umount2(".", MNT_DETACH) < 0 ? errno : 0;
}

int op_pivot(struct starter *starter, const struct op_pivot *op)
{
  char put_old[PATH_MAX] = "";
  if (*op->put_old) {
    int length = snprintf(put_old, sizeof put_old, "./%s", op->put_old);
    if (length < 0 || (size_t)length >= sizeof put_old)
      return ENAMETOOLONG;
  }
  if (chdir(op->root) < 0)
    return errno;
  int error = pivot(starter, put_old);
  if (chdir("/") < 0 && !error)
    error = errno;
  return error;
}
