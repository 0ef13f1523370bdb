/* The starter in place of this process: same process id, same descriptors. */
#include "launcher.h"
#include "kernel.h"

#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/resource.h>

enum { STDERR = 2, DIGITS = 12 };

/* Else our descriptor, and the program's, would take the number of a stream that the caller closed. */
static void fill_standard_fds(void)
{
  for (int fd = 0; fd <= STDERR; fd++)
    if (call(fcntl, fd, F_GETFD) < 0)
      call(openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
}

static const char *decimal(int value, char text[DIGITS])
{
  char *at = text + DIGITS - 1;
  *at = 0;
  do
    *--at = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  return at;
}

/* Written in place: the reader starts at the beginning of the descriptor. */
static bool fill(int fd, const char *bytes, size_t size)
{
  for (size_t done = 0; done < size;) {
    long count = call(pwrite64, fd, bytes + done, size - done, done);
    if (count <= 0)
      return false;
    done += (size_t)count;
  }
  return call(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
}

/* Memory files are under the limit on the size of files (ulimit -f), too: Bun has another way. */
static bool may_write(size_t size)
{
  uint64_t limit[2];
  return call(prlimit64, 0, RLIMIT_FSIZE, NULL, limit) == 0 && size <= limit[0];
}

void become_starter(const struct record *record, char **env)
{
  char digits[DIGITS];
  if (!may_write(record->ops_bytes))
    return;
  fill_standard_fds();
  int fd = (int)call(memfd_create, "skiff-ops", MFD_ALLOW_SEALING);
  if (fd < 0)
    return;
  if (fill(fd, record->ops, record->ops_bytes)) {
    const char *argv[] = {"skiff-starter", decimal(fd, digits), NULL};
    call(execve, record->target, argv, env);
  }
  call(close, fd);
}
