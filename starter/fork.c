/*
 * Forks: a waiter, and an init for a PID namespace.
 *
 *   waiter ── socket ── init (process 1) ── program         fork with `init`
 *   waiter ── socket ── program                             fork without
 *
 * The waiter sits where the caller expects the program: it passes on what is sent to it and ends or
 * stops as the program does. All share a process group, so what the terminal sends reaches each of
 * them from the kernel and is not passed on. The socket tells a child that its parent died before it
 * could ask for PDEATHSIG, and tells the waiter that the program runs (R; closed by exec) or has
 * stopped (S).
 */
#include "starter.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

_Noreturn void die_by(int signal)
{
  sigset_t only;
  struct sigaction usual = {.sa_handler = SIG_DFL};
  /* The program has dumped its core if one was wanted. */
  prctl(PR_SET_DUMPABLE, 0);
  sigaction(signal, &usual, NULL);
  sigemptyset(&only);
  sigaddset(&only, signal);
  kill(getpid(), signal);
  sigprocmask(SIG_UNBLOCK, &only, NULL);
  _exit(KILLED + signal);
}

/* Blocks every signal that is not ignored and gives a descriptor that tells of them. */
int watch_signals(void)
{
  sigset_t all;
  struct sigaction now;
  sigfillset(&all);
  for (int signal = 1; signal <= SIGNALS; signal++)
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
      sigdelset(&all, signal);
  if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
    return -1;
  return signalfd(-1, &all, SFD_CLOEXEC);
}

void unwatch_signals(int *watch)
{
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  close(take_fd(watch));
}

/* Sent by a process, not by the kernel to the whole group. */
static bool is_sent(const struct signalfd_siginfo *info)
{
  return info->ssi_code <= 0;
}

/* The last thing that is done for a launch: what the terminal sends meanwhile does not end it. */
static void run_after(const struct op_fork *op)
{
  if (op->after.count == 0)
    return;
  print_plain(op->says);
  pid_t pid = fork();
  if (pid == 0) {
    null_stdio(-1);
    execv(op->after.items[0], op->after.items);
    _exit(FAILED);
  }
  if (pid > 0)
    wait_status(pid);
}

static void follow_child(pid_t child, const struct op_fork *op)
{
  siginfo_t info;
  for (;;) {
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)child, &info, WEXITED | WSTOPPED | WNOHANG) < 0 || info.si_pid == 0)
      return;
    if (info.si_code == CLD_STOPPED)
      kill(getpid(), SIGSTOP);
    if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED)
      continue;
    run_after(op);
    if (info.si_code == CLD_EXITED)
      _exit(info.si_status);
    die_by(info.si_status);
  }
}

/* Whether a signal asks for the end. */
bool is_ending(int signal)
{
  return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM;
}

/* While the container is being set up nothing of it may listen: the waiter ends it itself. */
static void end_early(pid_t child, int signal, const struct op_fork *op)
{
  if (!is_ending(signal))
    return;
  kill(child, SIGKILL);
  wait_status(child);
  run_after(op);
  die_by(signal);
}

/* `outer`: socket to a waiter of our own, which learns from its end that the program runs; -1: none. */
static _Noreturn void wait_for(pid_t child, int watch, int socket, int outer,
                               const struct op_fork *op)
{
  bool running = false;
  struct pollfd events[2] = {{.fd = watch, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
  for (;;) {
    struct signalfd_siginfo info;
    char word;
    if (poll(events, 2, -1) < 0)
      continue;
    if (events[1].revents) {
      running = true;
      if (outer >= 0)
        close(take_fd(&outer));
      if (read(socket, &word, 1) != 1)
        events[1].fd = -1;
      else if (word == 'S')
        kill(getpid(), SIGSTOP);
    }
    if (!events[0].revents || read(watch, &info, sizeof info) != (ssize_t)sizeof info)
      continue;
    if (info.ssi_signo == SIGCHLD)
      follow_child(child, op);
    else if (!running)
      end_early(child, (int)info.ssi_signo, op);
    else if (is_sent(&info))
      kill(child, (int)info.ssi_signo);
  }
}

/* In the child: whoever kills the waiter kills us. */
int tether(struct starter *starter, int socket)
{
  struct pollfd parent = {.fd = socket, .events = POLLIN};
  starter->tethered = true;
  int error = rearm_tether(starter);
  if (!error && poll(&parent, 1, 0) > 0)
    _exit(FAILED);
  return error;
}

int op_fork(struct starter *starter, const struct op_fork *op)
{
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return errno;
  auto_fd ours = ends[0];
  auto_fd theirs = ends[1];
  auto_fd outer = take_fd(&starter->waiter);
  auto_fd watch = watch_signals();
  pid_t child = watch < 0 ? -1 : fork();
  if (child < 0)
    return errno;
  if (child > 0) {
    close(take_fd(&theirs));
    wait_for(child, watch, ours, take_fd(&outer), op);
  }
  close(take_fd(&ours));
  starter->pending_init = op->init;
  starter->waiter = take_fd(&theirs);
  int error = tether(starter, starter->waiter);
  /* Process 1 keeps signals pending until it can pass them on: by default it would lose them. */
  if (!op->init)
    unwatch_signals(&watch);
  return error;
}

/* Reaps all; ends with the program. */
static void reap(pid_t program, int waiter)
{
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
    if (pid != program)
      continue;
    if (WIFSTOPPED(status)) {
      if (send(waiter, "S", 1, MSG_NOSIGNAL) < 0)
        continue;
    } else
      _exit(WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status));
  }
}

static _Noreturn void run_init(pid_t program, int watch, int waiter)
{
  struct signalfd_siginfo info;
  for (;;) {
    if (read(watch, &info, sizeof info) != (ssize_t)sizeof info)
      continue;
    if (info.ssi_signo == SIGCHLD)
      reap(program, waiter);
    else if (is_sent(&info))
      kill(program, (int)info.ssi_signo);
  }
}

/* Where process 1 was promised: goes on in its child. */
int split_init(struct starter *starter)
{
  if (!starter->pending_init)
    return 0;
  if (starter->instance)
    return split_instance(starter, true);
  starter->pending_init = false;
  if (getpid() != 1)
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto_fd watch = watch_signals();
  pid_t program = watch < 0 ? -1 : fork();
  if (program < 0)
    return errno;
  if (program > 0) {
    name_process(starter, "appinit");
    if (send(starter->waiter, "R", 1, MSG_NOSIGNAL) < 0)
      _exit(FAILED);
    /* The program sees us in /proc: what leads to the caller's tree must be gone. */
    int keep[] = {watch, starter->waiter, starter->lifeline[1]};
    close_others(keep, sizeof keep / sizeof *keep);
    run_init(program, watch, starter->waiter);
  }
  close(take_fd(&starter->waiter));
  unwatch_signals(&watch);
  return rearm_tether(starter);
}
