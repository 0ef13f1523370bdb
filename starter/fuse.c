/*
 * File servers in user space (order of steps):
 *
 *   starter                      middle (own mount namespace)    server
 *   open /dev/fuse
 *   clone ────────────────────►  fork ───────────────────────►  waits
 *   mount                        exit
 *   one byte on `go` ─────────────────────────────────────────►  chroot, exec with the descriptor
 *
 * The server's namespace is older than the mount: it does not hold what it serves, so that the end
 * of the last user is its end. Nothing waits for it: the kernel queues what is asked of it.
 *
 * A server that mounts itself does so on a directory whose mount is shared between its namespace and
 * ours:
 *
 *   a tmpfs on the target, shared
 *   clone ────────────────────►  fork ───────────────────────►  exec; mounts
 *   the mount has come over: make ours private
 *   one byte on `go` ─────────►  detach the server's copy, exit
 */
#include "server.h"
#include "kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>

static void close_pipes(struct server_pipes *pipes)
{
  int *ends[] = {&pipes->fuse, &pipes->go[0], &pipes->go[1], &pipes->alive[0], &pipes->alive[1]};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    close_fd(ends[i]);
    *ends[i] = -1;
  }
}
#define auto_pipes __attribute__((cleanup(close_pipes))) struct server_pipes

static void close_named(const struct op_fuse *op)
{
  int fd, end = 0;
  for (uint32_t i = 0; i < op->argv.count; i++, end = 0)
    if (sscanf(op->argv.items[i], "/dev/fd/%d%n", &fd, &end) == 1 && !op->argv.items[i][end])
      fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Gives the middle process: not by fork(2), because it must be born in its namespace. */
static pid_t clone_server(const struct starter *starter, const struct op_fuse *op,
                          struct server_pipes *pipes)
{
  pid_t middle = (pid_t)syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (middle == 0)
    start_server(starter, op, pipes);
  close_fd(&pipes->alive[1]);
  pipes->alive[1] = -1;
  close_named(op);
  return middle;
}

static int open_fuse(const struct op_fuse *op)
{
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/dev/fuse",
                       *op->device_root ? op->device_root : op->server_root) >= sizeof path)
    return -ENAMETOOLONG;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int mount_fuse(const struct starter *starter, const struct op_fuse *op, int target, int fuse)
{
  char type[128], data[4096];
  int length = snprintf(type, sizeof type, "fuse%s%s", *op->subtype ? "." : "", op->subtype);
  if (length < 0 || (size_t)length >= sizeof type)
    return ENAMETOOLONG;
  length = snprintf(data, sizeof data, "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s%s", fuse,
                    op->uid, op->gid, *op->data ? "," : "", op->data);
  if (length < 0 || (size_t)length >= sizeof data)
    return E2BIG;
  return mount_at(starter, target, op->source, type, op->flags, data);
}

static int serve_descriptor(const struct starter *starter, const struct op_fuse *op, int target,
                            struct server_pipes *pipes)
{
  pipes->fuse = open_fuse(op);
  if (pipes->fuse < 0)
    return -pipes->fuse;
  pid_t middle = clone_server(starter, op, pipes);
  if (middle < 0)
    return errno;
  int error = mount_fuse(starter, op, target, pipes->fuse);
  if (!error && write(pipes->go[1], "g", 1) != 1)
    error = EPIPE;
  /* Only the server may hold it now: its death must be seen. */
  close(take_fd(&pipes->fuse));
  close(take_fd(&pipes->go[1]));
  int status = wait_status(middle);
  return status ? status : error;
}

/* 0: what is mounted on the target is a file server's; EAGAIN: not yet. */
static int look(const struct starter *starter, const char *target, int *top)
{
  struct statfs found;
  int fd = resolve(starter, "", target);
  if (fd < 0)
    return -fd;
  close_fd(top);
  *top = fd;
  if (fstatfs(fd, &found) < 0)
    return errno;
  return found.f_type == FUSE_MAGIC ? 0 : EAGAIN;
}

/* Until the mount is there or the server is gone. */
static int wait_for_mount(const struct starter *starter, const struct op_fuse *op, int changes,
                          int alive, int *top)
{
  struct pollfd events[2] = {{.fd = changes, .events = POLLPRI}, {.fd = alive, .events = POLLIN}};
  for (;;) {
    int error = look(starter, op->target, top);
    if (error != EAGAIN)
      return error;
    if (events[1].revents)
      return ECHILD;
    if (poll(events, 2, -1) < 0 && errno != EINTR)
      return errno;
  }
}

static int make(const struct starter *starter, int mount, unsigned long propagation)
{
  return mount_at(starter, mount, NULL, NULL, propagation, NULL);
}

static int serve_itself(const struct starter *starter, const struct op_fuse *op, int target,
                        struct server_pipes *pipes)
{
  if (starter->proc < 0)
    return ENOENT;
  auto_fd changes = openat(starter->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (changes < 0 || pipe2(pipes->alive, O_CLOEXEC) < 0)
    return errno;
  /* An empty mount of our own: a bind of the target is refused where it has locked mounts below. */
  int error = mount_at(starter, target, "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=4k");
  auto_fd base = resolve(starter, "", op->target);
  if (!error)
    error = base < 0 ? -base : make(starter, base, MS_SHARED);
  if (error)
    return error;
  pid_t middle = clone_server(starter, op, pipes);
  if (middle < 0)
    return errno;
  auto_fd top = -1;
  error = wait_for_mount(starter, op, changes, pipes->alive[0], &top);
  if (!error)
    error = make(starter, top, MS_PRIVATE);
  if (!error)
    error = make(starter, base, MS_PRIVATE);
  if (!error && write(pipes->go[1], "g", 1) != 1)
    error = EPIPE;
  close(take_fd(&pipes->go[1]));
  int status = wait_status(middle);
  if (error || status)
    return status ? status : error;
  return add_mount_flags(starter, top, op->flags, false);
}

int op_fuse(struct starter *starter, const struct op_fuse *op)
{
  auto_pipes pipes = {.fuse = -1, .log = -1, .lock = -1, .go = {-1, -1}, .alive = {-1, -1}};
  if (op->argv.count == 0 || starter->server_count == SERVERS_MAX)
    return EINVAL;
  auto_fd target = resolve(starter, "", op->target);
  if (target < 0)
    return target == -ENOENT ? EDESTADDRREQ : -target;
  if (pipe2(pipes.go, O_CLOEXEC) < 0)
    return errno;
  pipes.log = new_log();
  /* It stays open to the end: what the server says may explain a later failure. */
  starter->servers[starter->server_count++] = (struct server){starter->index, pipes.log};
  int error = op->self_mount ? serve_itself(starter, op, target, &pipes)
                             : serve_descriptor(starter, op, target, &pipes);
  if (error)
    take_output(starter, pipes.log);
  return error;
}
