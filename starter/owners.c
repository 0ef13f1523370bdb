/*
 * Where one id exists: changes of owners succeed by a filter, and a process beside the launch notes
 * them on the files.
 *
 *   chown(2) ── filter ── kernel ── listener ── note_owner()   user.skiff.owner = "uid:gid" on the file
 *
 * What cannot be noted (links, a file system without attributes) succeeds all the same.
 */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define OWNER "user.skiff.owner"

struct watcher {
  const struct starter *starter;
  int listener;
  dev_t root_device; /* of the root that this process began with */
  ino_t root_inode;
};

/* A change of an owner; -1 keeps what is there. */
struct wish {
  int folder; /* descriptor of the caller, or AT_FDCWD */
  uint64_t path;
  uid_t uid, gid;
  int flags;
  bool by_fd;
};

static bool read_wish(const struct kernel_notif *call, struct wish *wish)
{
  const uint64_t *args = call->args;
  *wish = (struct wish){AT_FDCWD, args[0], (uid_t)args[1], (gid_t)args[2], 0, false};
  switch (call->number) {
#ifdef SYS_chown
  case SYS_chown:
    return true;
#endif
#ifdef SYS_lchown
  case SYS_lchown:
    wish->flags = AT_SYMLINK_NOFOLLOW;
    return true;
#endif
  case SYS_fchown:
    wish->folder = (int)args[0];
    wish->by_fd = true;
    return true;
  case SYS_fchownat:
    *wish = (struct wish){(int)args[0], args[1], (uid_t)args[2], (gid_t)args[3], (int)args[4],
                           false};
    return true;
  }
  return false;
}

/* A path in the memory of a process; false when there is none. */
static bool copy_path(pid_t pid, uint64_t from, char *text, size_t size)
{
  enum { PAGE = 4096 };
  size_t first = PAGE - from % PAGE;
  if (first > size)
    first = size;
  struct iovec here = {text, size};
  struct iovec there[2] = {{(void *)(uintptr_t)from, first},
                           {(void *)(uintptr_t)(from + first), size - first}};
  ssize_t length = process_vm_readv(pid, &here, 1, there, 2, 0);
  return length > 0 && memchr(text, 0, (size_t)length);
}

static int open_of(const struct watcher *self, pid_t pid, const char *what, int number)
{
  char path[64];
  snprintf(path, sizeof path, number < 0 ? "%d/%s" : "%d/%s/%d", pid, what, number);
  return openat(self->starter->proc, path, O_PATH | O_CLOEXEC);
}

static uint64_t mount_of(int fd)
{
  enum { STATX_MOUNT_ID = 0x1000, MOUNT_ID_AT = 144 };
  uint64_t id = 0;
  char facts[256] = {0};
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MOUNT_ID, facts) == 0)
    memcpy(&id, facts + MOUNT_ID_AT, sizeof id);
  return id;
}

/* A process that may not be looked at has its descriptors all the same. */
static int no_such_fd(void)
{
  return errno == ENOENT ? -EBADF : -EPERM;
}

/* What the caller of a change means, or minus an errno. */
static int open_target(const struct watcher *self, pid_t pid, const struct wish *wish)
{
  char path[4096];
  if (wish->by_fd) {
    int fd = open_of(self, pid, "fd", wish->folder);
    return fd < 0 ? no_such_fd() : fd;
  }
  if (!copy_path(pid, wish->path, path, sizeof path))
    return -EFAULT;
  auto_fd folder = wish->folder == AT_FDCWD ? open_of(self, pid, "cwd", -1)
                                            : open_of(self, pid, "fd", wish->folder);
  if (folder < 0 && path[0] != '/')
    return no_such_fd();
  if (path[0] == 0 && (wish->flags & AT_EMPTY_PATH))
    return take_fd(&folder);
  /* Seen as the caller sees it: links, and the way up, end at its root. */
  auto_fd root = open_of(self, pid, "root", -1);
  if (root < 0 || fchdir(root) < 0 || chroot(".") < 0)
    return -EPERM;
  if (path[0] != '/' && fchdir(folder) < 0)
    return -errno;
  int nofollow = wish->flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
  int fd = open(path, O_PATH | O_CLOEXEC | nofollow);
  return fd < 0 ? -errno : fd;
}

/* Whether a file belongs to the tree being made: what a container has bound to it does not. */
static bool is_own(const struct watcher *self, pid_t pid, int target)
{
  struct stat stat;
  auto_fd root = open_of(self, pid, "root", -1);
  if (root < 0 || fstat(root, &stat) < 0)
    return false;
  if (stat.st_dev == self->root_device && stat.st_ino == self->root_inode)
    return true;
  return mount_of(root) == mount_of(target);
}

static void write_owner(const struct watcher *self, int target, uid_t uid, gid_t gid)
{
  struct stat stat;
  if (fstat(target, &stat) < 0 || !(S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode)))
    return;
  char path[64], text[32] = {0};
  snprintf(path, sizeof path, "self/fd/%d", target);
  auto_fd fd = openat(self->starter->proc, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return;
  uid_t old_uid = 0, old_gid = 0;
  bool is_noted = fgetxattr(fd, OWNER, text, sizeof text - 1) > 0 &&
                  sscanf(text, "%u:%u", &old_uid, &old_gid) == 2;
  if (uid == (uid_t)-1)
    uid = old_uid;
  if (gid == (gid_t)-1)
    gid = old_gid;
  if (uid == 0 && gid == 0) {
    if (is_noted)
      fremovexattr(fd, OWNER);
    return;
  }
  int length = snprintf(text, sizeof text, "%u:%u", uid, gid);
  fsetxattr(fd, OWNER, text, (size_t)length, 0);
}

/* The result of the call: minus an errno when there is no such file, else 0. */
static int note_owner(const struct watcher *self, const struct kernel_notif *call)
{
  struct wish wish;
  if (call->arch != KERNEL_AUDIT_ARCH || !read_wish(call, &wish))
    return 0;
  pid_t pid = (pid_t)call->pid;
  auto_fd target = open_target(self, pid, &wish);
  /* Only what the real call would say in any case. */
  if (target < 0)
    return target == -ENOENT || target == -ENOTDIR || target == -EBADF || target == -ELOOP ? target
                                                                                          : 0;
  if (is_own(self, pid, target))
    write_owner(self, target, wish.uid, wish.gid);
  return 0;
}

static void answer(const struct watcher *self)
{
  union {
    struct kernel_notif call;
    char room[512]; /* a newer kernel's may be larger */
  } in;
  memset(&in, 0, sizeof in);
  if (ioctl(self->listener, KERNEL_NOTIF_RECV, &in.call) < 0)
    return;
  struct kernel_notif_resp reply = {.id = in.call.id, .error = note_owner(self, &in.call)};
  ioctl(self->listener, KERNEL_NOTIF_SEND, &reply);
}

static int receive_fd(int socket)
{
  char byte, room[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room,
                           .msg_controllen = sizeof room};
  struct cmsghdr *part;
  int fd = -1;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && (part = CMSG_FIRSTHDR(&message)) &&
      part->cmsg_type == SCM_RIGHTS)
    memcpy(&fd, CMSG_DATA(part), sizeof fd);
  return fd;
}

static int send_fd(int socket, int fd)
{
  char byte = 0;
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } part = {.head = {.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET,
                     .cmsg_type = SCM_RIGHTS}};
  memcpy(CMSG_DATA(&part.head), &fd, sizeof fd);
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = part.room,
                           .msg_controllen = sizeof part.room};
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

/* Ends with the launch: whoever is left of it has its changes refused (ENOSYS) then. */
static _Noreturn void watch_owners(const struct starter *starter, int watch, int socket)
{
  struct stat root;
  if (setsid() < 0 || stat("/", &root) < 0)
    _exit(FAILED);
  null_stdio(-1);
  int keep[] = {watch, socket, starter->proc};
  close_others(keep, sizeof keep / sizeof *keep);
  struct watcher self = {starter, receive_fd(socket), root.st_dev, root.st_ino};
  close(socket);
  struct pollfd events[2] = {{.fd = watch, .events = POLLIN},
                             {.fd = self.listener, .events = POLLIN}};
  while (self.listener >= 0) {
    if (poll(events, 2, -1) < 0)
      continue;
    if (events[0].revents || (events[1].revents & (POLLHUP | POLLERR | POLLNVAL)))
      break;
    if (events[1].revents & POLLIN)
      answer(&self);
  }
  _exit(0);
}

static int install(const struct op_bytes *filter, unsigned long flags)
{
  enum { INSTRUCTION = 8, INSTRUCTIONS_MAX = 4096, SET_MODE_FILTER = 1 };
  uint32_t length = filter->size / INSTRUCTION;
  if (filter->size % INSTRUCTION != 0 || length == 0 || length > INSTRUCTIONS_MAX) {
    errno = EINVAL;
    return -1;
  }
  struct kernel_sock_fprog program = {(unsigned short)length, filter->data};
  return (int)syscall(SYS_seccomp, SET_MODE_FILTER, flags, &program);
}

int op_owners(struct starter *starter, const struct op_owners *op)
{
  enum { NEW_LISTENER = 8 };
  int ends[2];
  int error = split_init(starter);
  if (error)
    return error;
  bool listens = starter->proc >= 0 && !(starter->flags & FLAG_CLASSIC);
  if (listens && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
    auto_fd ours = ends[0];
    auto_fd theirs = ends[1];
    auto_fd watch = watch_self(starter);
    if (watch >= 0 && fork_apart(&error)) {
      close(take_fd(&ours));
      watch_owners(starter, watch, theirs);
    }
    auto_fd listener = watch < 0 || error ? -1 : install(&op->recording, NEW_LISTENER);
    /* Under the filter nobody must be without an answer. */
    if (listener >= 0)
      return send_fd(ours, listener);
  }
  return install(&op->filter, 0) < 0 ? errno : 0;
}
