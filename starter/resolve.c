/* Paths inside a root, as a process chrooted there would find them: never out of it. */
#include "starter.h"
#include "kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LINKS_MAX = 40, NAME_SIZE = 256 };

/* With O_DIRECTORY first: only so does the kernel mount what an automounter watches over. */
static int open_path(int at, const char *path, int flags)
{
  flags |= O_PATH | O_CLOEXEC;
  int fd = openat(at, path, flags | O_DIRECTORY);
  if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
    fd = openat(at, path, flags);
  return fd;
}

static int open_in_root(int root, const char *path)
{
  struct kernel_open_how how = {
    .flags = O_PATH | O_CLOEXEC | O_DIRECTORY,
    .resolve = KERNEL_RESOLVE_IN_ROOT | KERNEL_RESOLVE_NO_MAGICLINKS,
  };
  int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  if (fd < 0 && errno == ENOTDIR) {
    how.flags &= ~(uint64_t)O_DIRECTORY;
    fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  }
  return fd;
}

struct walk {
  int root;
  int at;         /* where we are */
  unsigned depth; /* components below the root */
  unsigned links;
  char rest[2 * PATH_MAX]; /* what is still to walk */
};

/* The next name of `rest`; 0 at the end, minus an errno. */
static int next_name(struct walk *walk, char name[NAME_SIZE])
{
  const char *start = walk->rest + strspn(walk->rest, "/");
  size_t length = strcspn(start, "/");
  if (length >= NAME_SIZE)
    return -ENAMETOOLONG;
  memcpy(name, start, length);
  name[length] = 0;
  start += length;
  start += strspn(start, "/");
  memmove(walk->rest, start, strlen(start) + 1);
  return length > 0;
}

static void go(struct walk *walk, int fd, unsigned depth)
{
  if (walk->at != walk->root)
    close(walk->at);
  walk->at = fd;
  walk->depth = depth;
}

static int go_up(struct walk *walk)
{
  if (walk->depth == 0)
    return 0;
  int fd = walk->depth == 1 ? walk->root : openat(walk->at, "..", O_PATH | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0)
    return errno;
  go(walk, fd, walk->depth - 1);
  return 0;
}

/* Puts the text of the link before the rest of the way. */
static int follow(struct walk *walk, int link)
{
  char text[2 * PATH_MAX];
  if (++walk->links > LINKS_MAX)
    return ELOOP;
  ssize_t length = readlinkat(link, "", text, PATH_MAX);
  if (length < 0)
    return errno;
  if (length == 0 || length >= PATH_MAX)
    return ENAMETOOLONG;
  text[length] = 0;
  size_t rest = strlen(walk->rest);
  if ((size_t)length + 1 + rest >= sizeof text)
    return ENAMETOOLONG;
  text[length] = '/';
  memcpy(text + length + 1, walk->rest, rest + 1);
  memcpy(walk->rest, text, (size_t)length + rest + 2);
  if (text[0] == '/')
    go(walk, walk->root, 0);
  return 0;
}

static int make(int at, const char *name, enum walk_kind kind, mode_t mode)
{
  if (kind == WALK_MAKE_DIRECTORY)
    return mkdirat(at, name, mode) < 0 && errno != EEXIST ? errno : 0;
  auto_fd fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  return fd < 0 && errno != EEXIST ? errno : 0;
}

/* One name further; a missing one is made: directories on the way, what `kind` says at the end. */
static int step(struct walk *walk, const char *name, enum walk_kind kind, mode_t mode)
{
  auto_fd fd = open_path(walk->at, name, O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT && kind != WALK_EXISTING) {
    bool last = walk->rest[0] == 0;
    int error = make(walk->at, name, last ? kind : WALK_MAKE_DIRECTORY, last ? mode : 0755);
    if (error)
      return error;
    fd = open_path(walk->at, name, O_NOFOLLOW);
  }
  struct stat found;
  if (fd < 0 || fstat(fd, &found) < 0)
    return errno;
  if (S_ISLNK(found.st_mode))
    return follow(walk, fd);
  go(walk, take_fd(&fd), walk->depth + 1);
  return 0;
}

/* Walks `path`; with `last`, its final name is not walked but copied there. */
static int walk_path(int root, const char *path, enum walk_kind kind, mode_t mode, char *last)
{
  if (strlen(path) >= PATH_MAX)
    return -ENAMETOOLONG;
  struct walk walk = {.root = root, .at = root};
  strcpy(walk.rest, path);
  char name[NAME_SIZE];
  int more, error = 0;
  while (!error && (more = next_name(&walk, name)) != 0) {
    if (more < 0)
      error = -more;
    else if (strcmp(name, "..") == 0)
      error = go_up(&walk);
    else if (last && walk.rest[0] == 0 && strcmp(name, ".") != 0) {
      strcpy(last, name);
      break;
    } else if (strcmp(name, ".") != 0)
      error = step(&walk, name, kind, mode);
  }
  if (error) {
    go(&walk, root, 0);
    return -error;
  }
  /* The caller closes the root and gets a descriptor of its own. */
  if (walk.at != root)
    return walk.at;
  int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

static int open_root(const char *root)
{
  return open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int resolve(const struct starter *starter, const char *root, const char *path)
{
  if (!*root) {
    int fd = open_path(AT_FDCWD, path, 0);
    return fd < 0 ? -errno : fd;
  }
  auto_fd base = open_root(root);
  if (base < 0)
    return -errno;
  if (!(starter->flags & FLAG_CLASSIC)) {
    int fd = open_in_root(base, *path ? path : "/");
    if (fd >= 0)
      return fd;
    /* Not there (4.18), forbidden by a filter, or disturbed by a rename: walk. */
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN)
      return -errno;
  }
  return walk_path(base, path, WALK_EXISTING, 0, NULL);
}

int resolve_make(const char *root, const char *path, enum walk_kind kind, mode_t mode)
{
  auto_fd base = open_root(root);
  return base < 0 ? -errno : walk_path(base, path, kind, mode, NULL);
}

int resolve_parent(const char *root, const char *path, char name[NAME_SIZE])
{
  auto_fd base = open_root(root);
  if (base < 0)
    return -errno;
  name[0] = 0;
  int parent = walk_path(base, path, WALK_EXISTING, 0, name);
  if (parent >= 0 && !name[0]) {
    close(parent);
    return -EEXIST;
  }
  return parent;
}

/* What is behind an O_PATH descriptor, opened for use. */
int reopen(const struct starter *starter, int fd, int flags)
{
  char path[40];
  snprintf(path, sizeof path, "self/fd/%d", fd);
  if (starter->proc < 0)
    return -ENOENT;
  int opened = openat(starter->proc, path, flags | O_CLOEXEC);
  return opened < 0 ? -errno : opened;
}
