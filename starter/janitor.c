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
int watch_self(const struct starter *starter)
{
  enum { FAR = 500 };
  /* This process ends when an instance runs, which is when that begins. */
  if (starter->lifeline[0] >= 0)
    return fcntl(starter->lifeline[0], F_DUPFD_CLOEXEC, 0);
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

static _Noreturn void wait_and_end(const struct starter *starter, int watch, ending *task,
                                  const void *op)
{
  if (setsid() < 0 || chdir("/") < 0)
    _exit(FAILED);
  null_stdio(-1);
  int keep[] = {watch, starter->proc};
  close_others(keep, sizeof keep / sizeof *keep);
  struct pollfd end = {.fd = watch, .events = POLLIN};
  while (poll(&end, 1, -1) < 0)
    ;
  close(watch);
  task(starter, op);
  _exit(FAILED);
}

/* Starts a process that does `task` when this one is gone. */
int at_end(const struct starter *starter, ending *task, const void *op)
{
  auto_fd watch = watch_self(starter);
  int error = errno;
  if (watch >= 0 && fork_apart(&error))
    wait_and_end(starter, watch, task, op);
  return error;
}

static void exec_argv(const struct starter *starter, const void *op)
{
  const struct op_janitor *janitor = op;
  umask(starter->umask);
  execv(janitor->argv.items[0], janitor->argv.items);
}

int op_janitor(struct starter *starter, const struct op_janitor *op)
{
  return op->argv.count == 0 ? EINVAL : at_end(starter, exec_argv, op);
}
