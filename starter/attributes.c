/* What else the program starts with: limits, directory, attribute files; and words on the way. */
#include "starter.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

int op_attr(struct starter *starter, const struct op_attr *op)
{
  char path[128];
  int error = split_init(starter);
  if (error)
    return error;
  if ((size_t)snprintf(path, sizeof path, "self/%s", op->path) >= sizeof path)
    return ENAMETOOLONG;
  if (starter->proc < 0)
    return ENOENT;
  /* Ours to write only while we are shown; the program is next. */
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  auto_fd fd = openat(starter->proc, path, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, op->value, strlen(op->value)) < 0 ? errno : 0;
}

int op_rlimit(struct starter *starter, const struct op_rlimit *op)
{
  (void)starter;
  struct rlimit limit = {.rlim_cur = op->soft, .rlim_max = op->hard};
  return setrlimit((int)op->resource, &limit) < 0 ? errno : 0;
}

int op_umask(struct starter *starter, const struct op_umask *op)
{
  starter->umask = op->mask & 0777;
  return 0;
}

/*
 * Whether the directory that we are in lies below our root. One that is reached by a descriptor
 * (/proc/self/fd/N, also behind a link of the image) may not, and ".." leads on from there.
 */
static bool is_inside(void)
{
  char path[PATH_MAX];
  return syscall(SYS_getcwd, path, sizeof path) > 0 && *path == '/';
}

int op_chdir(struct starter *starter, const struct op_chdir *op)
{
  int first = 0;
  for (uint32_t i = 0; i < op->candidates.count; i++) {
    bool done = chdir(op->candidates.items[i]) == 0;
    if (done && !is_inside()) {
      done = false;
      errno = chdir("/") < 0 ? errno : ENOENT;
    }
    if (done) {
      if (i > 0)
        print_warning(starter, op->warning, first);
      return 0;
    }
    if (i == 0)
      first = errno;
  }
  return op->candidates.count > 0 ? first : EINVAL;
}

int op_say(struct starter *starter, const struct op_say *op)
{
  (void)starter;
  print_plain(op->text);
  return 0;
}
