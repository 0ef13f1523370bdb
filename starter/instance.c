/*
 * An instance: process 1 that outlives the command (order of steps):
 *
 *   herald (the command)            init (process 1)              program
 *   clone ────────────────────────► the rest of the set-up
 *                                   clone ──────────────────────► its log files; exec
 *                                   the pipe to it ends: it runs
 *   ◄────────────────────────── R ─┘
 *   writes the record
 *   C ────────────────────────────► no longer dies with the herald
 *   ◄────────────────────────── D ─┘
 *   echoes the program's errors, ends   reaps and passes signals on
 *
 * Whatever is killed before C takes all with it: init is tied to the herald by PDEATHSIG, the rest to
 * init by its PID namespace. The claim that stands for the record until then names the herald.
 */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { NAME_ROOM = NAME_MAX + 1, CLOSE_ON_EXEC = 4, FIRST_OWN = STDERR_FILENO + 1 };

/* ---- the herald ---- */

static int file_name(char room[NAME_ROOM], const char *name, const char *end)
{
  int length = snprintf(room, NAME_ROOM, "%s%s", name, end);
  return length > 0 && length < NAME_ROOM && !strchr(name, '/') ? 0 : ENAMETOOLONG;
}

/* Whole or not at all. Not flushed to the disk: after a crash no process of before lives. */
static int replace_file(int directory, const char *name, const char *temporary, mode_t mode,
                        const struct iovec *parts, int count)
{
  size_t size = 0;
  for (int i = 0; i < count; i++)
    size += parts[i].iov_len;
  unlinkat(directory, temporary, 0);
  auto_fd fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      mode);
  if (fd < 0)
    return errno;
  ssize_t done = writev(fd, parts, count);
  int error = done < 0 ? errno : (size_t)done < size ? ENOSPC : 0;
  if (!error && renameat(directory, temporary, directory, name) < 0)
    error = errno;
  if (error)
    unlinkat(directory, temporary, 0);
  return error;
}

static int write_record(const struct starter *starter, const struct op_instance *op, pid_t init)
{
  char name[NAME_ROOM], temporary[NAME_ROOM], head[64];
  uint64_t started;
  int error = start_time(starter, init, &started);
  if (!error)
    error = file_name(name, op->name, ".json");
  if (!error)
    error = file_name(temporary, op->name, ".new");
  if (error)
    return error;
  int length = snprintf(head, sizeof head, "%d %llu\n", init, (unsigned long long)started);
  struct iovec parts[2] = {{head, (size_t)length},
                           {(void *)op->record.data, op->record.size}};
  return replace_file(op->dir_fd, name, temporary, 0600, parts, 2);
}

/* For whoever may look: a file is replaced and keeps its mode, a pipe or device is written to. */
static int write_pid(const struct op_instance *op, pid_t init)
{
  char temporary[NAME_ROOM], text[16];
  struct stat found;
  if (op->pid_dir_fd < 0)
    return 0;
  int length = snprintf(text, sizeof text, "%d\n", init);
  bool is_there = fstatat(op->pid_dir_fd, op->pid_name, &found, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && !S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode)) {
    auto_fd fd = openat(op->pid_dir_fd, op->pid_name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || write(fd, text, (size_t)length) < 0 ? errno : 0;
  }
  mode_t mode = is_there && S_ISREG(found.st_mode) ? found.st_mode & 0777 : 0644;
  struct iovec part = {text, (size_t)length};
  int error = file_name(temporary, op->pid_name, ".new");
  return error ? error : replace_file(op->pid_dir_fd, op->pid_name, temporary, mode, &part, 1);
}

static void remove_claim(const struct op_instance *op)
{
  char name[NAME_ROOM];
  if (file_name(name, op->name, ".json") == 0)
    unlinkat(op->dir_fd, name, 0);
}

/* What the program said so far, for whoever started it. */
static void echo(int log, off_t from)
{
  char bytes[4096], last = '\n';
  for (ssize_t length; (length = pread(log, bytes, sizeof bytes, from)) > 0; from += length) {
    if (write(STDERR_FILENO, bytes, (size_t)length) < 0)
      return;
    last = bytes[length - 1];
  }
  if (last != '\n' && write(STDERR_FILENO, "\n", 1) < 0)
    return;
}

static char hear(int socket)
{
  char word;
  ssize_t length;
  do
    length = read(socket, &word, 1);
  while (length < 0 && errno == EINTR);
  return length == 1 ? word : 0;
}

static bool say_word(int socket, const char *word)
{
  return send(socket, word, 1, MSG_NOSIGNAL) == 1;
}

/* 'R' when the program runs; 0: process 1 is gone. A signal that would end us ends both. */
static char await_program(pid_t init, int watch, int socket, const struct op_instance *op)
{
  struct pollfd events[2] = {{.fd = watch, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
  for (;;) {
    struct signalfd_siginfo info;
    if (poll(events, 2, -1) < 0)
      continue;
    if (events[1].revents)
      return hear(socket);
    if (read(watch, &info, sizeof info) != (ssize_t)sizeof info || !is_ending((int)info.ssi_signo))
      continue;
    kill(init, SIGKILL);
    wait_status(init);
    remove_claim(op);
    die_by((int)info.ssi_signo);
  }
}

static int herald(struct starter *starter, const struct op_instance *op, pid_t init, int watch,
                  int socket)
{
  off_t before = lseek(op->err_fd, 0, SEEK_END);
  char word = await_program(init, watch, socket, op);
  int error = word == 'R' ? write_record(starter, op, init) : 0;
  if (!error && word == 'R')
    error = write_pid(op, init);
  if (!error && word == 'R') {
    if (say_word(socket, "C") && hear(socket) == 'D') {
      echo(op->err_fd, before);
      print_plain(op->done);
      _exit(0);
    }
    word = 0;
  }
  kill(init, SIGKILL);
  int status = wait_status(init);
  echo(op->err_fd, before);
  remove_claim(op);
  if (!error)
    _exit(status > 0 && status < KILLED ? status : FAILED);
  return error;
}

int op_instance(struct starter *starter, const struct op_instance *op)
{
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return errno;
  auto_fd ours = ends[0];
  auto_fd theirs = ends[1];
  /* What a shell ignored for its background job is none of the instance's business. */
  reset_signals(0);
  auto_fd watch = watch_signals();
  pid_t init = watch < 0 ? -1 : fork();
  if (init < 0)
    return errno;
  if (init > 0) {
    close(take_fd(&theirs));
    return herald(starter, op, init, watch, ours);
  }
  close(take_fd(&ours));
  setsid();
  starter->instance = op;
  starter->pending_init = true;
  starter->waiter = take_fd(&theirs);
  return tether(starter, starter->waiter);
}

/* ---- process 1 ---- */

/* No descriptor of the caller's reaches a program that outlives it. */
static void hide_descriptors(void)
{
  if (syscall(SYS_close_range, FIRST_OWN, ~0U, CLOSE_ON_EXEC) == 0)
    return;
  for (int fd = FIRST_OWN; fd < 65536; fd++)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int become_logged(const struct op_instance *op)
{
  auto_fd nothing = open_nothing();
  hide_descriptors();
  return nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(op->out_fd, STDOUT_FILENO) < 0 ||
             dup2(op->err_fd, STDERR_FILENO) < 0
           ? errno
           : 0;
}

static void reap_all(void)
{
  while (waitpid(-1, NULL, WNOHANG) > 0)
    ;
}

static void tell_all(int signal)
{
  /* Elsewhere than in a PID namespace of our own "all" would be all of the user's. */
  if (getpid() != 1 || kill(-1, signal) < 0)
    _exit(KILLED + signal);
}

/* To the program's group; then to whatever is left. Where nobody is, we are done. */
static void pass_on(pid_t program, int signal)
{
  if (program <= 0 || kill(-program, signal) < 0)
    tell_all(signal);
}

static _Noreturn void serve_instance(pid_t program, int watch)
{
  int last = 0;
  for (;;) {
    struct signalfd_siginfo info;
    if (read(watch, &info, sizeof info) != (ssize_t)sizeof info)
      continue;
    if (info.ssi_signo == SIGCHLD) {
      reap_all();
      /* What ended the program is meant for those that it left behind, too. */
      if (last && program > 0 && kill(-program, 0) < 0) {
        tell_all(last);
        last = 0;
      }
    } else if (info.ssi_code <= 0) {
      if (is_ending((int)info.ssi_signo))
        last = (int)info.ssi_signo;
      pass_on(program, (int)info.ssi_signo);
    }
  }
}

/* The end of the tie to the herald: from here on nobody waits for us. */
static void break_away(const struct starter *starter)
{
  if (!say_word(starter->waiter, "R") || hear(starter->waiter) != 'C')
    _exit(FAILED);
  prctl(PR_SET_PDEATHSIG, 0);
  if (!say_word(starter->waiter, "D"))
    _exit(FAILED);
}

static _Noreturn void become_init(const struct starter *starter, pid_t program, int watch, int running)
{
  char word = running < 0 ? 0 : hear(running);
  if (word == 'F') {
    int status = wait_status(program);
    _exit(status > 0 && status < KILLED ? status : FAILED);
  }
  break_away(starter);
  null_stdio(-1);
  int keep[] = {watch, starter->lifeline[1]};
  close_others(keep, sizeof keep / sizeof *keep);
  serve_instance(program, watch);
}

/*
 * Where the program is about to start; `has_program` false: there is none, and init is all. Goes on in
 * the program's process, or comes back in process 1 itself for `boot`.
 */
int split_instance(struct starter *starter, bool has_program)
{
  const struct op_instance *op = starter->instance;
  starter->pending_init = false;
  if (op->boot) {
    break_away(starter);
    starter->tethered = false;
    reset_signals(0);
    int error = become_logged(op);
    fcntl(starter->lifeline[1], F_SETFD, 0);
    return error;
  }
  int ends[2] = {-1, -1};
  auto_fd watch = watch_signals();
  name_process(starter, "appinit");
  if (watch < 0)
    return errno;
  if (!has_program)
    become_init(starter, 0, watch, -1);
  bool own_space = getpid() == 1;
  if (!own_space)
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (pipe2(ends, O_CLOEXEC) < 0)
    return errno;
  pid_t program = fork();
  if (program < 0)
    return errno;
  if (program > 0) {
    close(ends[1]);
    become_init(starter, program, watch, ends[0]);
  }
  close(ends[0]);
  close(take_fd(&starter->waiter));
  starter->failed = ends[1];
  unwatch_signals(&watch);
  setpgid(0, 0);
  /* Without a PID namespace to end with, the program at least ends with us. */
  starter->tethered = !own_space;
  prctl(PR_SET_PDEATHSIG, own_space ? 0 : SIGKILL);
  return become_logged(op);
}
