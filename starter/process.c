/* Signals, descriptors and children, as every op that forks needs them. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Bun leaves SIGPIPE and SIGXFSZ ignored; what a shell ignores for the program's sake may stay. */
void reset_signals(uint64_t keep_ignored)
{
  struct sigaction usual = {.sa_handler = SIG_DFL}, now;
  for (int signal = 1; signal <= SIGNALS; signal++) {
    if ((keep_ignored >> (signal - 1) & 1) && sigaction(signal, NULL, &now) == 0 &&
        now.sa_handler == SIG_IGN)
      continue;
    sigaction(signal, &usual, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What ps(1) shows. */
void name_process(const struct starter *starter, const char *name)
{
  size_t length = strlen(name);
  prctl(PR_SET_NAME, name, 0, 0, 0);
  if (length >= starter->title_room)
    return;
  memset(starter->title, 0, starter->title_room);
  memcpy(starter->title, name, length);
}

/* Exit status of a child: 128+n when signal n killed it. */
int wait_status(pid_t pid)
{
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return FAILED;
  return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status);
}

/*
 * Our descriptors and root lead to the caller's tree: processes of the container that could look at
 * ours (/proc/PID) must not while it is being set up among them.
 */
void show(const struct starter *starter, bool shown)
{
  prctl(PR_SET_DUMPABLE, shown && !starter->hidden, 0, 0, 0);
}

/*
 * Forks a process that the program does not find among its children: true in it. Else false, with an
 * errno or 0 in `error`.
 */
bool fork_apart(int *error)
{
  pid_t middle = fork();
  if (middle == 0) {
    pid_t apart = fork();
    if (apart == 0)
      return true;
    _exit(apart < 0 ? errno : 0);
  }
  *error = middle < 0 ? errno : wait_status(middle);
  return false;
}

int rearm_tether(const struct starter *starter)
{
  return starter->tethered && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? errno : 0;
}

static void close_between(unsigned first, unsigned last)
{
  if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
    return;
  struct rlimit limit;
  unsigned most = getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536
                    ? 65536
                    : (unsigned)limit.rlim_cur;
  for (unsigned fd = first; fd <= last && fd < most; fd++)
    close((int)fd);
}

/* Closes all from 3 on but `keep`. */
void close_others(const int *keep, size_t count)
{
  unsigned first = STDERR_FILENO + 1;
  for (;;) {
    unsigned next = ~0U;
    for (size_t i = 0; i < count; i++)
      if (keep[i] >= 0 && (unsigned)keep[i] >= first && (unsigned)keep[i] < next)
        next = (unsigned)keep[i];
    close_between(first, next == ~0U ? next : next - 1);
    if (next == ~0U)
      return;
    first = next + 1;
  }
}

/* Input that ends at once; an image may lack /dev/null, and a root that is being made does. */
int open_nothing(void)
{
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  return fd >= 0 ? fd : memfd_create("nothing", MFD_CLOEXEC);
}

/*
 * Nothing of the caller's terminal or pipes; what is printed goes to `log`, -1: nowhere. The input is
 * never left closed: the next file that the program opens would take its place, and be lost when the
 * program makes itself a daemon.
 */
void null_stdio(int log)
{
  int nothing = open_nothing();
  if (nothing > STDIN_FILENO)
    dup2(nothing, STDIN_FILENO);
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    dup2(log < 0 ? nothing : log, fd);
}
