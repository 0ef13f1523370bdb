/*
 * One container for the processes of a job step (see ShareOp). They meet at a file of members:
 *
 *   exclusive lock at once ── a member lives ──► enter it
 *          │ taken                └─ none ─────► the first: keeps the lock until `publish`
 *          ▼
 *   shared lock, waited for: the first is done (or dead) ── a member lives ──► enter it
 *          ▲                                                 └─ none: again from the top
 *
 * The kernel takes a lock back from who is killed. A line is written only by the process that it is
 * about, and only when it stands inside: a member can be entered at any moment of its life.
 */
#include "starter.h"
#include "kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { LINE = 32, LINES_MAX = 4096, TRIES = 64, SWEEP_MAX = 64 };

/* The file where this process meets others. */
struct place {
  const struct starter *starter;
  const struct op_share *op;
  int file;
  off_t members; /* where their lines begin */
};

/* ---- which file ---- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3ULL;
  return hash;
}

/* The variable `NAME=value`; null when there is none. */
static char **find_variable(char **environment, const char *name)
{
  size_t length = strlen(name);
  for (char **entry = environment; *entry; entry++)
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
      return entry;
  return NULL;
}

/* What tells this step from others; false: nothing does. */
static bool step_hash(const struct starter *starter, const struct op_share *op, uint64_t *hash)
{
  bool known = false;
  *hash = 0xcbf29ce484222325ULL;
  for (uint32_t i = 0; i < op->variables.count; i++) {
    char **entry = find_variable(starter->environment, op->variables.items[i]);
    if (entry)
      *hash = mix(*hash, *entry, strlen(*entry) + 1);
    known = known || entry;
  }
  if (known || !op->parent)
    return known;
  pid_t parent = getppid();
  uint64_t started;
  /* A parent in another PID namespace has no number here. */
  if (parent <= 0 || start_time(starter, parent, &started) != 0)
    return false;
  *hash = mix(mix(*hash, &parent, sizeof parent), &started, sizeof started);
  return true;
}

/* A directory that nobody else may write. */
static int open_directory(const char *path)
{
  struct stat found;
  if (mkdir(path, 0700) < 0 && errno != EEXIST)
    return -1;
  auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &found) < 0 || found.st_uid != geteuid() || (found.st_mode & 077))
    return -1;
  return take_fd(&fd);
}

static int open_file(const struct starter *starter, const struct op_share *op, int directory)
{
  char name[NAME_MAX + 1];
  uint64_t hash;
  if (!step_hash(starter, op, &hash) ||
      (size_t)snprintf(name, sizeof name, "%s-%016llx", op->name, (unsigned long long)hash) >=
        sizeof name)
    return -1;
  return openat(directory, name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* ---- members ---- */

static bool read_line(int file, off_t at, int *pid, uint64_t *started)
{
  char line[LINE + 1] = {0};
  unsigned long long start;
  if (pread(file, line, LINE, at) != LINE || sscanf(line, "%d %llu", pid, &start) != 2)
    return false;
  *started = start;
  return true;
}

/* Enters the youngest member that lives. ESRCH: none does. */
static int enter_member(const struct place *place, bool *half)
{
  struct stat found;
  if (fstat(place->file, &found) < 0)
    return errno;
  off_t count = found.st_size > place->members ? (found.st_size - place->members) / LINE : 0;
  for (off_t at = count; at-- > 0 && count - at <= LINES_MAX;) {
    int pid, error;
    uint64_t started;
    if (!read_line(place->file, place->members + at * LINE, &pid, &started))
      continue;
    error = enter_process(place->starter, pid, started, &place->op->names, half);
    if (error != ESRCH)
      return error;
  }
  return ESRCH;
}

/* ---- locks ---- */

static void wake(int signal)
{
  (void)signal;
}

/* A lock with a limit on the wait: the alarm ends the call. */
static int lock_within(int fd, int how, uint32_t wait_ms)
{
  timer_t timer;
  struct sigaction act = {.sa_handler = wake}, before;
  struct itimerspec when = {.it_value = {wait_ms / 1000, (long)(wait_ms % 1000) * 1000000L},
                            /* Again: the first may fall between two calls. */
                            .it_interval = {0, 50000000L}};
  if (timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0)
    return errno;
  sigaction(SIGALRM, &act, &before);
  timer_settime(timer, 0, &when, NULL);
  int error = flock(fd, how) < 0 ? errno : 0;
  timer_delete(timer);
  sigaction(SIGALRM, &before, NULL);
  return error;
}

static bool is_removed(int file)
{
  struct stat found;
  return fstat(file, &found) < 0 || found.st_nlink == 0;
}

/*
 * 0: inside; EAGAIN: this process is the first, and holds the lock; ESTALE: the file was swept away;
 * another number: alone, or with `half` neither in nor out.
 */
static int meet(const struct place *place, bool *half)
{
  for (int tries = 0; tries < TRIES; tries++) {
    bool exclusive = flock(place->file, LOCK_EX | LOCK_NB) == 0;
    if (!exclusive && errno != EWOULDBLOCK)
      return errno;
    int error = exclusive ? 0 : lock_within(place->file, LOCK_SH, place->op->wait_ms);
    if (error)
      return error;
    if (is_removed(place->file))
      return ESTALE;
    error = enter_member(place, half);
    if (error != ESRCH) {
      flock(place->file, LOCK_UN);
      return error;
    }
    if (exclusive)
      return EAGAIN;
    flock(place->file, LOCK_UN);
  }
  return EBUSY;
}

/* ---- the first ---- */

/* Those who stand in the file are all dead. */
static int begin_file(const struct place *place)
{
  size_t size = strlen(place->op->about);
  if (ftruncate(place->file, 0) < 0)
    return errno;
  return write(place->file, place->op->about, size) == (ssize_t)size ? 0 : EIO;
}

static int add_environment(struct starter *starter, const struct op_strs *more)
{
  size_t count = 0;
  while (starter->environment[count])
    count++;
  char **all = calloc(count + more->count + 1, sizeof *all);
  if (!all)
    return ENOMEM;
  memcpy(all, starter->environment, count * sizeof *all);
  memcpy(all + count, more->items, more->count * sizeof *all);
  starter->environment = all;
  return 0;
}

static void drop_variables(struct starter *starter, const struct op_strs *names)
{
  for (uint32_t i = 0; i < names->count; i++)
    for (char **entry; (entry = find_variable(starter->environment, names->items[i]));)
      for (; *entry; entry++)
        entry[0] = entry[1];
}

static int share(struct starter *starter, const struct op_share *op, bool *half)
{
  starter->share_directory = open_directory(op->dir);
  for (int tries = 0; starter->share_directory >= 0 && tries < TRIES; tries++) {
    starter->members = open_file(starter, op, starter->share_directory);
    if (starter->members < 0)
      return EBUSY;
    struct place place = {starter, op, starter->members, (off_t)strlen(op->about)};
    int error = meet(&place, half);
    if (error == EAGAIN)
      error = begin_file(&place) ? EBUSY : EAGAIN;
    if (error == 0 || error == EAGAIN)
      return error;
    close(take_fd(&starter->members));
    if (error != ESTALE)
      return error;
  }
  return EBUSY;
}

int op_share(struct starter *starter, const struct op_share *op)
{
  bool half = false;
  if (op->skip >= starter->count - starter->index || strlen(op->about) % LINE != 0)
    return EINVAL;
  int error = share(starter, op, &half);
  if (op->drop)
    drop_variables(starter, &op->variables);
  if (half && error)
    return error;
  if (error == EAGAIN)
    return add_environment(starter, &op->first_env);
  close(take_fd(&starter->share_directory));
  if (!error)
    starter->index += op->skip;
  return 0;
}

/* ---- publish ---- */

static bool is_used(const struct starter *starter, int file)
{
  struct stat found;
  if (fstat(file, &found) < 0)
    return true;
  /* Where the lines begin is told by the head, whose length only its own step knows: try them all. */
  for (off_t at = 0; at + LINE <= found.st_size; at += LINE) {
    int pid;
    uint64_t started, real;
    if (read_line(file, at, &pid, &started) && start_time(starter, pid, &real) == 0 &&
        real == started)
      return true;
  }
  return false;
}

/* Files of steps that are over: nobody else would remove them. */
static void sweep(const struct starter *starter)
{
  int own = fcntl(starter->share_directory, F_DUPFD_CLOEXEC, 0);
  DIR *directory = own < 0 ? NULL : fdopendir(own);
  if (!directory)
    return;
  struct dirent *entry;
  for (int count = 0; count < SWEEP_MAX && (entry = readdir(directory)); count++) {
    auto_fd file = *entry->d_name == '.'
                     ? -1
                     : openat(own, entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0 && !is_used(starter, file))
      unlinkat(own, entry->d_name, 0);
  }
  closedir(directory);
}

int op_publish(struct starter *starter)
{
  char line[LINE + 1];
  uint64_t started;
  auto_fd file = take_fd(&starter->members);
  if (file < 0)
    return 0;
  if (start_time(starter, getpid(), &started) == 0) {
    snprintf(line, sizeof line, "%-10d %-20llu\n", getpid(), (unsigned long long)started);
    /* One short write at the end is whole. A member that is not noted is only one that nobody finds. */
    ssize_t written = write(file, line, LINE);
    (void)written;
  }
  flock(file, LOCK_UN);
  if (starter->share_directory >= 0) {
    sweep(starter);
    close(take_fd(&starter->share_directory));
  }
  return 0;
}
