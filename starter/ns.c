/* Namespaces: made with their id maps, joined, named, connected to themselves. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* An id map takes at most this many lines; each has three numbers. */
enum { MAP_WORDS = 3 * 340 };

/* One child that stayed in the old user namespace to write one map of ours; 0: not needed. */
struct partner {
  pid_t pid;
  bool program;
};

/* Who we are in the /proc we have, which may belong to another PID namespace than ours. */
static int proc_self(const struct starter *starter, char pid[16])
{
  ssize_t length = starter->proc < 0 ? -1 : readlinkat(starter->proc, "self", pid, 15);
  if (length < 0)
    return starter->proc < 0 ? ENOENT : errno;
  pid[length] = 0;
  return 0;
}

static int write_attribute(const struct starter *starter, const char *pid, const char *name,
                           const char *text)
{
  char path[64];
  snprintf(path, sizeof path, "%s/%s", pid, name);
  auto_fd fd = openat(starter->proc, path, O_WRONLY | O_CLOEXEC);
  size_t length = strlen(text);
  if (fd < 0)
    return errno;
  ssize_t done = write(fd, text, length);
  return done < 0 ? errno : (size_t)done == length ? 0 : EIO;
}

/* newuidmap PID inside outside count ... */
static void exec_mapper(const char *program, char *pid, const char *map)
{
  char *words[MAP_WORDS + 3] = {(char *)program, pid};
  size_t count = 2;
  auto_free char *text = strdup(map);
  for (char *word = text ? strtok(text, " \t\n") : NULL; word; word = strtok(NULL, " \t\n")) {
    if (count >= MAP_WORDS + 2)
      _exit(FAILED);
    words[count++] = word;
  }
  execv(program, words);
  dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
  _exit(FAILED);
}

/* Forked before the namespaces change: waits for a byte, then writes our map from outside. */
static int start_partner(const struct starter *starter, const char *program, const char *name,
                         const char *map, const int go[2], int log, struct partner *partner)
{
  char pid[16], byte;
  int error = proc_self(starter, pid);
  if (error)
    return error;
  if (*program && access(program, X_OK) < 0)
    return errno;
  partner->program = *program;
  partner->pid = fork();
  if (partner->pid != 0)
    return partner->pid < 0 ? errno : 0;
  close(go[1]);
  if (read(go[0], &byte, 1) != 1)
    _exit(FAILED);
  if (!*program)
    _exit(write_attribute(starter, pid, name, map));
  if (log >= 0)
    dup2(log, STDERR_FILENO);
  exec_mapper(program, pid, map);
  _exit(FAILED);
}

static int finish_partner(const struct partner *partner)
{
  if (partner->pid <= 0)
    return 0;
  int status = wait_status(partner->pid);
  return status == 0 ? 0 : partner->program ? ECHILD : status;
}

/* Whether we may write the map ourselves: the caller's own id only. */
static bool is_own_id(const char *map, uint32_t own)
{
  unsigned long inside, outside, count;
  int end = 0;
  return sscanf(map, "%lu %lu %lu %n", &inside, &outside, &count, &end) == 3 && !map[end] &&
         outside == own && count == 1;
}

static int unshare_mapped(struct starter *starter, const struct op_unshare *op, int log)
{
  struct partner uids = {0}, gids = {0};
  auto_fd read_end = -1;
  auto_fd write_end = -1;
  int go[2], error = 0;
  if (pipe2(go, O_CLOEXEC) < 0)
    return errno;
  read_end = go[0];
  write_end = go[1];
  bool own_uid = !*op->newuidmap && is_own_id(op->uid_map, geteuid());
  bool own_gid = !*op->newgidmap && is_own_id(op->gid_map, getegid());
  if (*op->uid_map && !own_uid)
    error = start_partner(starter, op->newuidmap, "uid_map", op->uid_map, go, log, &uids);
  if (!error && *op->gid_map && !own_gid)
    error = start_partner(starter, op->newgidmap, "gid_map", op->gid_map, go, log, &gids);
  if (!error && unshare((int)op->flags) < 0)
    error = errno;
  /* Else our /proc files belong to root. */
  if (!error)
    prctl(PR_SET_DUMPABLE, 1);
  if (!error && !op->setgroups)
    error = write_attribute(starter, "self", "setgroups", "deny");
  if (!error && own_uid)
    error = write_attribute(starter, "self", "uid_map", op->uid_map);
  if (!error && own_gid)
    error = write_attribute(starter, "self", "gid_map", op->gid_map);
  if (!error && (uids.pid > 0 || gids.pid > 0) && write(write_end, "go", 2) != 2)
    error = errno;
  close(take_fd(&write_end));
  int uid_error = finish_partner(&uids), gid_error = finish_partner(&gids);
  return error ? error : uid_error ? uid_error : gid_error;
}

int op_unshare(struct starter *starter, const struct op_unshare *op)
{
  if (!(op->flags & CLONE_NEWUSER) || (!*op->uid_map && !*op->gid_map))
    return unshare((int)op->flags) < 0 ? errno : 0;
  auto_fd log = *op->newuidmap || *op->newgidmap ? new_log() : -1;
  int error = unshare_mapped(starter, op, log);
  if (error)
    take_output(starter, log);
  return error;
}

/* The kernel refuses to enter the user namespace that one is in. */
static bool is_own_namespace(const struct starter *starter, int fd)
{
  static const char *const names[] = {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time"};
  struct stat wanted, own;
  if (fstat(fd, &wanted) < 0)
    return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[32];
    snprintf(path, sizeof path, "self/ns/%s", names[i]);
    if (starter->proc >= 0 && fstatat(starter->proc, path, &own, 0) == 0 &&
        own.st_dev == wanted.st_dev && own.st_ino == wanted.st_ino)
      return true;
  }
  return false;
}

int op_join(struct starter *starter, const struct op_join *op)
{
  enum { NAMESPACES_MAX = 16 };
  int fds[NAMESPACES_MAX], error = 0;
  uint32_t opened = 0;
  if (op->paths.count > NAMESPACES_MAX)
    return E2BIG;
  for (; opened < op->paths.count; opened++) {
    fds[opened] = open(op->paths.items[opened], O_RDONLY | O_CLOEXEC);
    if (fds[opened] < 0) {
      error = errno;
      break;
    }
  }
  for (uint32_t i = 0; i < opened; i++) {
    if (!error && !is_own_namespace(starter, fds[i]) && setns(fds[i], 0) < 0)
      error = errno;
    close(fds[i]);
  }
  prctl(PR_SET_DUMPABLE, 1);
  return error;
}

int op_hostname(struct starter *starter, const struct op_hostname *op)
{
  (void)starter;
  return sethostname(op->name, strlen(op->name)) < 0 ? errno : 0;
}

int op_loopback(struct starter *starter)
{
  (void)starter;
  struct ifreq request = {.ifr_name = "lo"};
  auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
    return errno;
  request.ifr_flags |= IFF_UP;
  return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
}
