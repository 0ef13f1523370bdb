/* Part of a file as a block device, mounted: for those whom the kernel lets. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

enum { TRIES = 64 };

/* Binds file and device; the device frees itself when the mount is gone. */
static int attach(const struct starter *starter, int device, int file, const struct op_loop *op)
{
  struct kernel_loop_config config = {
    .fd = (uint32_t)file,
    .info = {
      .offset = op->offset,
      .size_limit = op->size,
      .flags = KERNEL_LO_AUTOCLEAR | (op->flags & MS_RDONLY ? KERNEL_LO_READ_ONLY : 0),
    },
  };
  if (!(starter->flags & FLAG_CLASSIC)) {
    if (ioctl(device, KERNEL_LOOP_CONFIGURE, &config) == 0)
      return 0;
    if (errno != EINVAL && errno != ENOTTY && errno != ENOSYS)
      return errno;
  }
  if (ioctl(device, KERNEL_LOOP_SET_FD, file) < 0)
    return errno;
  if (ioctl(device, KERNEL_LOOP_SET_STATUS64, &config.info) == 0)
    return 0;
  int error = errno;
  ioctl(device, KERNEL_LOOP_CLR_FD, 0);
  return error;
}

static int open_in(const struct starter *starter, const char *root, const char *path, int access)
{
  auto_fd found = resolve(starter, root, path);
  return found < 0 ? found : reopen(starter, found, access);
}

/* A free device, attached; another process may take it first. `path` is the one in the root. */
static int open_device(const struct starter *starter, int file, int access,
                       const struct op_loop *op, struct spot *path)
{
  auto_fd control = open_in(starter, op->source_root, "/dev/loop-control", O_RDWR);
  if (control < 0)
    return control;
  for (int i = 0; i < TRIES; i++) {
    int number = ioctl(control, KERNEL_LOOP_CTL_GET_FREE);
    if (number < 0)
      return -errno;
    if ((uint32_t)number >= op->most)
      return -EUSERS;
    snprintf(path->path, sizeof path->path, "/dev/loop%d", number);
    auto_fd device = open_in(starter, op->source_root, path->path, access);
    if (device < 0)
      return device;
    int error = attach(starter, device, file, op);
    if (!error)
      return take_fd(&device);
    if (error != EBUSY && error != EAGAIN)
      return -error;
  }
  return -EBUSY;
}

int op_loop(struct starter *starter, const struct op_loop *op)
{
  int access = op->flags & MS_RDONLY ? O_RDONLY : O_RDWR;
  struct spot name;
  char path[PATH_MAX];
  auto_fd target = resolve(starter, "", op->target);
  if (target < 0)
    return -target;
  auto_fd file = open_in(starter, op->source_root, op->file, access);
  if (file < 0)
    return -file;
  /* The device keeps the file, and with it the lock, until the mount is gone. */
  int busy = op->lock ? lock_range(file, op->lock != LOCK_SHARED, op->offset, op->size) : 0;
  if (busy)
    return busy;
  auto_fd device = open_device(starter, file, access, op, &name);
  if (device < 0)
    return -device;
  if ((size_t)snprintf(path, sizeof path, "%s%s", op->source_root, name.path) >= sizeof path)
    return ENAMETOOLONG;
  return mount_at(starter, target, path, op->fstype, op->flags, op->data);
}
