/*
 * Locks on the images that are mounted. They are byte ranges of open file descriptions: they belong to
 * whoever holds the file (a file server, a loop device) and go with it, however it ends, and reach
 * through network file systems. Other programs that mount such images take the same ones.
 */
#include "starter.h"

#include <fcntl.h>
#include <time.h>

enum { LOCK_MS = 3000, LOCK_PAUSE_MS = 10 };

int lock_range(int file, bool exclusive, uint64_t offset, uint64_t size)
{
  const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
  for (int tries = LOCK_MS / LOCK_PAUSE_MS;; tries--) {
    struct flock range = {
      .l_type = exclusive ? F_WRLCK : F_RDLCK,
      .l_whence = SEEK_SET,
      .l_start = (off_t)offset,
      .l_len = (off_t)size,
    };
    if (fcntl(file, F_OFD_SETLK, &range) == 0)
      return 0;
    /* A file system that cannot is nothing to wait for. */
    if (errno != EAGAIN && errno != EACCES)
      return 0;
    if (tries == 0)
      return EBUSY;
    nanosleep(&pause, NULL);
  }
}
