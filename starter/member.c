/* A process that others join: who it is for certain, and its namespaces. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { NAMES_MAX = 8 };

/* Field 22 of /proc/PID/stat, counted from the end of the name: that may hold blanks and brackets. */
static int read_start(int directory, uint64_t *started)
{
  char text[1024];
  auto_fd fd = openat(directory, "stat", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length < 0)
    return errno;
  text[length] = 0;
  const char *at = strrchr(text, ')');
  for (int field = 2; at && field < 22; field++)
    at = strchr(at + 1, ' ');
  return at && sscanf(at, " %llu", (unsigned long long *)started) == 1 ? 0 : ESRCH;
}

/* /proc/PID, which stays this process's: what is read in it fails once the process is gone. */
static int open_process(const struct starter *starter, pid_t pid)
{
  char name[16];
  snprintf(name, sizeof name, "%d", pid);
  int fd = starter->proc < 0 ? -1 : openat(starter->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 ? fd : starter->proc >= 0 && errno == ENOENT ? -ESRCH : -errno;
}

int start_time(const struct starter *starter, pid_t pid, uint64_t *started)
{
  auto_fd directory = open_process(starter, pid);
  return directory < 0 ? -directory : read_start(directory, started);
}

static bool is_same(const struct starter *starter, int fd, const char *name)
{
  struct stat theirs, ours;
  char path[32];
  snprintf(path, sizeof path, "self/ns/%s", name);
  return fstat(fd, &theirs) == 0 && fstatat(starter->proc, path, &ours, 0) == 0 &&
         theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static int open_namespace(int directory, const char *name)
{
  char path[32];
  if (strchr(name, '/') ||
      (size_t)snprintf(path, sizeof path, "ns/%s", name) >= sizeof path)
    return -EINVAL;
  int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
  return fd >= 0 ? fd : errno == ENOENT ? -ESRCH : -errno;
}

static int flag_of(const char *name)
{
  static const struct {
    const char *name;
    int flag;
  } flags[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
               {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS}, {"net", CLONE_NEWNET}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (strcmp(name, flags[i].name) == 0)
      return flags[i].flag;
  return 0;
}

/* All of them at once or none (5.8). ENOSYS: this kernel cannot. */
static int enter_at_once(const struct starter *starter, pid_t pid, int directory, int flags)
{
  uint64_t still;
  if (starter->flags & FLAG_CLASSIC)
    return ENOSYS;
  auto_fd fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0)
    return errno == ESRCH ? ESRCH : ENOSYS;
  /* The directory answers as long as its process lives: then the descriptor is that process's too. */
  if (read_start(directory, &still) != 0)
    return ESRCH;
  if (setns(fd, flags) == 0)
    return 0;
  return errno == EINVAL ? ENOSYS : errno;
}

static int enter_one_by_one(const int *fds, const struct op_strs *names, bool *half)
{
  for (uint32_t i = 0; i < names->count; i++) {
    if (fds[i] >= 0 && setns(fds[i], 0) < 0)
      return errno;
    *half = *half || fds[i] >= 0;
  }
  return 0;
}

/*
 * Nothing is entered before all of it is open. `half` afterwards: a failure came too late to go on as
 * if nothing had happened.
 */
int enter_process(const struct starter *starter, pid_t pid, uint64_t started,
                  const struct op_strs *names, bool *half)
{
  int fds[NAMES_MAX], error = 0, flags = 0;
  uint32_t opened = 0;
  uint64_t real = 0;
  *half = false;
  if (pid <= 0 || names->count == 0 || names->count > NAMES_MAX)
    return EINVAL;
  auto_fd directory = open_process(starter, pid);
  error = directory < 0 ? -directory : read_start(directory, &real);
  if (!error && real != started)
    error = ESRCH;
  auto_fd root = error ? -1 : openat(directory, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!error && root < 0)
    error = errno == ENOENT ? ESRCH : errno;
  for (; !error && opened < names->count; opened++) {
    const char *name = names->items[opened];
    fds[opened] = open_namespace(directory, name);
    if (fds[opened] < 0) {
      error = -fds[opened];
      break;
    }
    if (!is_same(starter, fds[opened], name)) {
      flags |= flag_of(name);
      continue;
    }
    /* Whoever is in our own mount namespace is no container; others the kernel need not enter. */
    if (strcmp(name, "mnt") == 0)
      error = EINVAL;
    close(take_fd(&fds[opened]));
  }
  if (!error) {
    error = enter_at_once(starter, pid, directory, flags);
    if (error == ENOSYS)
      error = enter_one_by_one(fds, names, half);
  }
  for (uint32_t i = 0; i < opened; i++)
    close_fd(&fds[i]);
  if (error)
    return error;
  *half = true;
  /* The change of user namespace hid our /proc files. */
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  /* Where there was no pivot_root the root is another than that of the namespace. */
  return fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0 ? errno : 0;
}

int op_enter(struct starter *starter, const struct op_enter *op)
{
  bool half;
  int error = enter_process(starter, (pid_t)op->pid, op->started, &op->names, &half);
  starter->hidden = true;
  show(starter, false);
  return error;
}
