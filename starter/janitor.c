/* What is to be done when the launch is over, however it ends. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

/*
 * Something that becomes readable when this process is gone: a pidfd (5.3), else a pipe that the
 * program and its children inherit, far from the numbers that they use.
 */
static int watch_self(const struct starter *starter)
{
  enum { FAR = 500 };
  if (!(starter->flags & FLAG_CLASSIC)) {
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd >= 0)
      return fd;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return -1;
  int held = fcntl(ends[1], F_DUPFD, FAR);
  if (held < 0)
    held = fcntl(ends[1], F_DUPFD, 3);
  close(ends[1]);
  if (held >= 0)
    return ends[0];
  close(ends[0]);
  return -1;
}

static _Noreturn void wait_and_run(int watch, mode_t mask, const struct op_janitor *op)
{
  if (setsid() < 0 || chdir("/") < 0)
    _exit(FAILED);
  null_stdio(-1);
  close_others(&watch, 1);
  struct pollfd end = {.fd = watch, .events = POLLIN};
  while (poll(&end, 1, -1) < 0)
    ;
  close(watch);
  umask(mask);
  execv(op->argv.items[0], op->argv.items);
  _exit(FAILED);
}

int op_janitor(struct starter *starter, const struct op_janitor *op)
{
  if (op->argv.count == 0)
    return EINVAL;
  auto_fd watch = watch_self(starter);
  pid_t middle = watch < 0 ? -1 : fork();
  if (middle < 0)
    return errno;
  if (middle == 0) {
    /* The program must never find a child that it did not make. */
    pid_t janitor = fork();
    if (janitor == 0)
      wait_and_run(watch, starter->umask, op);
    _exit(janitor < 0 ? errno : 0);
  }
  return wait_status(middle);
}
