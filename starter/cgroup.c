/* Control groups: made, set, and removed when the launch is over. */
#include "starter.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { DEPTH_MAX = 16 };

/* Removes a control group and those below it; the files in one are not removed, they go with it. */
static int remove_group(int parent, const char *name, int depth)
{
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  if (errno != EBUSY || depth == 0)
    return errno;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (!dir)
    return EBUSY;
  for (struct dirent *entry; (entry = readdir(dir));)
    if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      remove_group(dirfd(dir), entry->d_name, depth - 1);
  closedir(dir);
  return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

/* What the program left running keeps its limits for as long as it runs. */
static void remove_groups(const struct starter *starter, const void *arg)
{
  enum { FIRST_MS = 5, LONGEST_MS = 1000 };
  const struct op_cgroup *op = arg;
  (void)starter;
  for (long wait = FIRST_MS;; wait = wait * 2 < LONGEST_MS ? wait * 2 : LONGEST_MS) {
    bool busy = false;
    for (uint32_t i = 0; i < op->dirs.count; i++)
      busy |= remove_group(AT_FDCWD, op->dirs.items[i], DEPTH_MAX) == EBUSY;
    if (!busy)
      _exit(0);
    struct timespec pause = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
    nanosleep(&pause, NULL);
  }
}

/* Groups of launches whose watcher was killed too; one with processes in it stays. */
static void sweep_beside(const char *path)
{
  static const char prefix[] = "skiff-";
  const char *slash = strrchr(path, '/');
  auto_free char *parent = slash ? strndup(path, (size_t)(slash - path)) : NULL;
  DIR *dir = parent ? opendir(parent) : NULL;
  if (!dir)
    return;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char *end;
    if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0)
      continue;
    long pid = strtol(entry->d_name + sizeof prefix - 1, &end, 10);
    if (pid > 0 && !*end && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
      remove_group(dirfd(dir), entry->d_name, DEPTH_MAX);
  }
  closedir(dir);
}

int op_cgroup(struct starter *starter, const struct op_cgroup *op)
{
  for (uint32_t i = 0; i < op->dirs.count; i++) {
    sweep_beside(op->dirs.items[i]);
    if (mkdir(op->dirs.items[i], 0755) < 0 && errno != EEXIST) {
      int error = errno;
      while (i-- > 0)
        rmdir(op->dirs.items[i]);
      return error;
    }
  }
  return op->watch ? at_end(starter, remove_groups, op) : 0;
}

static int write_value(const struct starter *starter, const struct op_write *op)
{
  auto_fd place = resolve(starter, op->root, op->path);
  if (place < 0)
    return -place;
  auto_fd fd = reopen(starter, place, O_WRONLY);
  if (fd < 0)
    return -fd;
  return write(fd, op->value, strlen(op->value)) < 0 ? errno : 0;
}

int op_write(struct starter *starter, const struct op_write *op)
{
  int error = write_value(starter, op);
  if (!error || !*op->warning)
    return error;
  print_warning(starter, op->warning, error);
  return 0;
}
