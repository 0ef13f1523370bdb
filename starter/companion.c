/*
 * A helper that stays outside of the namespaces: connects the network, say.
 *
 *   launch ── socket ── companion ── setup, teardown        G: do your part; one byte back: how it ended
 *
 * What `setup` leaves running becomes a child of the companion, which ends it with the launch.
 */
#include "starter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct companion {
  const struct starter *starter;
  const struct op_companion *op;
  pid_t launch;
  int watch, socket, log;
  int network; /* keeps the namespace for the teardown; -1: not known */
};

/* A word with %p, %n and %% filled in; null when there is no memory. */
static char *fill_in(const struct companion *self, const char *word)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return NULL;
  for (const char *at = word; *at; at++)
    if (at[0] == '%' && at[1] == 'p') {
      fprintf(out, "%d", self->launch);
      at++;
    } else if (at[0] == '%' && at[1] == 'n') {
      fprintf(out, "/proc/%d/fd/%d", getppid(), self->network);
      at++;
    } else if (at[0] == '%' && at[1] == '%') {
      fputc('%', out);
      at++;
    } else
      fputc(*at, out);
  fclose(out);
  return text;
}

static _Noreturn void become(const struct companion *self, const struct op_strs *argv)
{
  char **words = calloc((size_t)argv->count + 1, sizeof *words);
  for (uint32_t i = 0; words && i < argv->count; i++)
    if (!(words[i] = fill_in(self, argv->items[i])))
      _exit(FAILED);
  if (!words)
    _exit(FAILED);
  null_stdio(self->log);
  close_others(NULL, 0);
  umask(self->starter->umask);
  execve(words[0], words, self->op->env.items);
  dprintf(STDERR_FILENO, "%s: %s", words[0], strerror(errno));
  _exit(FAILED);
}

static int run_words(const struct companion *self, const struct op_strs *argv)
{
  if (argv->count == 0)
    return 0;
  pid_t child = fork();
  if (child == 0)
    become(self, argv);
  return child < 0 ? FAILED : wait_status(child);
}

/* What the setup left running is ours since its parent ended; so is what that leaves in turn. */
static void end_children(const struct starter *starter)
{
  for (int round = 0; round < 100; round++) {
    char text[1024], *at = text;
    auto_fd fd = openat(starter->proc, "thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (length <= 0)
      return;
    text[length] = 0;
    for (long pid; (pid = strtol(at, &at, 10)) > 0;) {
      kill((pid_t)pid, SIGKILL);
      waitpid((pid_t)pid, NULL, 0);
    }
  }
}

static _Noreturn void accompany(struct companion *self)
{
  if (setsid() < 0 || chdir("/") < 0)
    _exit(FAILED);
  int keep[] = {self->watch, self->socket, self->log, self->starter->proc};
  null_stdio(-1);
  close_others(keep, sizeof keep / sizeof *keep);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  struct pollfd events[2] = {{.fd = self->watch, .events = POLLIN},
                             {.fd = self->socket, .events = POLLIN}};
  char word = 0;
  while (poll(events, 2, -1) < 0)
    ;
  if (!events[1].revents || read(self->socket, &word, 1) != 1)
    _exit(0);
  char path[32];
  snprintf(path, sizeof path, "%d/ns/net", self->launch);
  self->network = openat(self->starter->proc, path, O_RDONLY | O_CLOEXEC);
  unsigned char status = (unsigned char)run_words(self, &self->op->setup);
  /* The launch may be gone: then it is over at once. */
  if (send(self->socket, &status, 1, MSG_NOSIGNAL) == 1 && status == 0)
    while (poll(events, 1, -1) < 0)
      ;
  run_words(self, &self->op->teardown);
  end_children(self->starter);
  _exit(0);
}

int op_companion(struct starter *starter, const struct op_companion *op)
{
  int ends[2];
  if (op->setup.count == 0 || starter->companion >= 0)
    return EINVAL;
  if (starter->proc < 0)
    return ENOENT;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return errno;
  auto_fd theirs = ends[1];
  starter->companion = ends[0];
  starter->companion_log = new_log();
  auto_fd watch = watch_self(starter);
  struct companion self = {starter, op, getpid(), watch, theirs, starter->companion_log, -1};
  int error = errno;
  if (watch >= 0 && fork_apart(&error))
    accompany(&self);
  return error;
}

int op_meet(struct starter *starter)
{
  unsigned char status;
  if (starter->companion < 0)
    return EINVAL;
  if (send(starter->companion, "G", 1, MSG_NOSIGNAL) != 1)
    return errno;
  ssize_t length = read(starter->companion, &status, 1);
  if (length == 1 && status == 0) {
    close(take_fd(&starter->companion_log));
    return 0;
  }
  take_output(starter, starter->companion_log);
  return ECHILD;
}
