/* A program of the caller's that runs to its end before the launch goes on. */
#include "starter.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static _Noreturn void run_program(const struct starter *starter, const struct op_run *op, int log,
                                  pid_t parent)
{
  /* What is left of it could still write what a janitor removes. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(FAILED);
  null_stdio(log);
  close_others(NULL, 0);
  umask(starter->umask);
  if (*op->root && (chroot(op->root) < 0 || chdir("/") < 0)) {
    dprintf(STDERR_FILENO, "%s: %s", op->root, strerror(errno));
    _exit(FAILED);
  }
  if (op->ambient)
    raise_ambient(op->ambient);
  execve(op->argv.items[0], op->argv.items, op->env.items);
  dprintf(STDERR_FILENO, "%s: %s", op->argv.items[0], strerror(errno));
  _exit(FAILED);
}

int op_run(struct starter *starter, const struct op_run *op)
{
  if (op->argv.count == 0)
    return EINVAL;
  auto_fd log = new_log();
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0)
    return errno;
  if (child == 0)
    run_program(starter, op, log, parent);
  int status = wait_status(child);
  if (status == 0 || (uint32_t)status == op->also_good)
    return 0;
  take_output(starter, log);
  return ECHILD;
}
