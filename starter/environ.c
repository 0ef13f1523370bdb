/* Takes the environment from what a program writes. */
#include "starter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { RESULT_FD = 3, FAR_FD = 10, LIMIT = 16 << 20 };

struct result {
  char *bytes;
  size_t length, room;
  bool complete; /* ends with an empty record */
};

static uint64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Milliseconds to the deadline for poll(2): -1 for no deadline. */
static int left_ms(uint64_t deadline)
{
  uint64_t now = now_ms();
  if (deadline == 0)
    return -1;
  return deadline <= now ? 0 : deadline - now > 1 << 30 ? 1 << 30 : (int)(deadline - now);
}

static _Noreturn void run(const struct starter *starter, const struct op_environ *op, int program,
                          int result)
{
  umask(starter->umask);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  /* Out of the way of descriptor 3, which either may have. */
  if (program >= 0)
    program = fcntl(program, F_DUPFD_CLOEXEC, FAR_FD);
  result = fcntl(result, F_DUPFD_CLOEXEC, FAR_FD);
  if (dup2(result, RESULT_FD) < 0)
    _exit(FAILED);
  if (program >= 0)
    syscall(SYS_execveat, program, "", op->argv.items, op->env.items, AT_EMPTY_PATH);
  else
    execve(op->path, op->argv.items, op->env.items);
  _exit(FAILED);
}

static bool is_complete(const struct result *result)
{
  size_t n = result->length;
  return (n >= 2 && !result->bytes[n - 1] && !result->bytes[n - 2]) ||
         (n == 1 && !result->bytes[0]);
}

/* To the empty record or the end. A descendant may hold the pipe: its end is not waited for then. */
static int read_result(int fd, uint64_t deadline, struct result *result)
{
  while (!result->complete) {
    struct pollfd event = {.fd = fd, .events = POLLIN};
    int ready = poll(&event, 1, left_ms(deadline));
    if (ready < 0 && errno != EINTR)
      return errno;
    if (ready == 0)
      return ETIMEDOUT;
    if (ready < 0)
      continue;
    if (result->length == result->room) {
      size_t room = result->room ? 2 * result->room : 1 << 16;
      char *grown = room > LIMIT ? NULL : realloc(result->bytes, room);
      if (!grown)
        return E2BIG;
      result->bytes = grown;
      result->room = room;
    }
    ssize_t got = read(fd, result->bytes + result->length, result->room - result->length);
    if (got < 0)
      return errno;
    if (got == 0)
      return 0;
    result->length += (size_t)got;
    result->complete = is_complete(result);
  }
  return 0;
}

/* Exit status of the program, minus ETIMEDOUT; SIGCHLD is blocked. */
static int wait_until(pid_t pid, uint64_t deadline)
{
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (;;) {
    int status;
    pid_t done = waitpid(pid, &status, WNOHANG);
    if (done < 0)
      return -errno;
    if (done > 0)
      return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status);
    int left = left_ms(deadline);
    struct timespec limit = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000L};
    if (left == 0)
      return -ETIMEDOUT;
    if (left < 0)
      sigwaitinfo(&child, NULL);
    else
      sigtimedwait(&child, NULL, &limit);
  }
}

static bool has_name(char *const *entries, size_t count, const char *entry)
{
  size_t length = strcspn(entry, "=") + 1;
  for (size_t i = 0; i < count; i++)
    if (strncmp(entries[i], entry, length) == 0)
      return true;
  return false;
}

static bool is_kept(const struct op_strs *keep, const char *entry)
{
  for (uint32_t i = 0; i < keep->count; i++)
    if (strncmp(entry, keep->items[i], strlen(keep->items[i])) == 0)
      return true;
  return false;
}

/* The records, and the kept entries that no record names. */
static int adopt(struct starter *starter, const struct op_environ *op, struct result *result)
{
  size_t count = 0, kept = 0;
  for (size_t i = 0; i < result->length; i++)
    count += !result->bytes[i];
  while (starter->environment[kept])
    kept++;
  char **entries = calloc(count + kept + 1, sizeof *entries);
  if (!entries)
    return ENOMEM;
  count = 0;
  for (char *at = result->bytes; *at; at += strlen(at) + 1)
    entries[count++] = at;
  size_t written = count;
  for (char **entry = starter->environment; *entry; entry++)
    if (is_kept(&op->keep, *entry) && !has_name(entries, written, *entry))
      entries[count++] = *entry;
  starter->environment = entries;
  return 0;
}

/* Ends a script that takes too long with all that it has started: that becomes ours as it ends. */
static void end_all(const struct starter *starter, pid_t pid)
{
  enum { ROUNDS = 100 };
  char text[4096];
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  kill(pid, SIGKILL);
  wait_status(pid);
  for (int round = 0; round < ROUNDS && starter->proc >= 0; round++) {
    auto_fd children = openat(starter->proc, "thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t length = children < 0 ? 0 : read(children, text, sizeof text - 1);
    if (length <= 0)
      return;
    text[length] = 0;
    char *end;
    for (char *at = text; (pid = (pid_t)strtol(at, &end, 10)) > 0; at = end) {
      kill(pid, SIGKILL);
      waitpid(pid, NULL, 0);
    }
  }
}

static int run_and_read(struct starter *starter, const struct op_environ *op, struct result *result)
{
  int ends[2];
  uint64_t deadline = op->timeout_ms ? now_ms() + op->timeout_ms : 0;
  if (pipe2(ends, O_CLOEXEC) < 0)
    return errno;
  auto_fd source = ends[0];
  auto_fd sink = ends[1];
  pid_t pid = fork();
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    run(starter, op, op->fd, sink);
  }
  if (pid < 0)
    return errno;
  close(take_fd(&sink));
  int error = read_result(source, deadline, result);
  int status = error ? -error : wait_until(pid, deadline);
  if (status < 0) {
    end_all(starter, pid);
    return -status;
  }
  /* Its own words are printed; its status is ours. */
  if (!result->complete)
    _exit(status > 0 ? status : 1);
  return 0;
}

int op_environ(struct starter *starter, const struct op_environ *op)
{
  struct result result = {0};
  sigset_t child, before;
  if (op->argv.count == 0)
    return EINVAL;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &before);
  /* What runs now may be an image's. */
  show(starter, false);
  int error = run_and_read(starter, op, &result);
  show(starter, true);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return error ? error : adopt(starter, op, &result);
}
