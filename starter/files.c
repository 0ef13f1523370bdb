/* Directories, small files and links inside a root. The umask is 0: modes are exact. */
#include "starter.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

int op_mkdir(struct starter *starter, const struct op_mkdir *op)
{
  (void)starter;
  auto_fd made = resolve_make(op->root, op->path, WALK_MAKE_DIRECTORY, op->mode);
  if (made < 0)
    return -made;
  struct stat found;
  if (fstat(made, &found) < 0)
    return errno;
  return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
}

/* A limit on the size of files is an error as any other, not the end. */
static int write_all(int fd, const char *data, size_t size)
{
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  int error = sigaction(SIGXFSZ, &ignore, &before) < 0 ? errno : 0;
  while (!error && size > 0) {
    ssize_t done = write(fd, data, size);
    if (done < 0 && errno != EINTR)
      error = errno;
    if (done > 0) {
      data += done;
      size -= (size_t)done;
    }
  }
  sigaction(SIGXFSZ, &before, NULL);
  return error;
}

int op_file(struct starter *starter, const struct op_file *op)
{
  (void)starter;
  char name[256];
  auto_fd parent = resolve_parent(op->root, op->path, name);
  if (parent < 0)
    return -parent;
  enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };
  auto_fd fd = openat(parent, name, FLAGS, op->mode);
  if (fd < 0 && errno == EEXIST && unlinkat(parent, name, 0) == 0)
    fd = openat(parent, name, FLAGS, op->mode);
  if (fd < 0)
    return errno;
  int error = write_all(fd, op->content.data, op->content.size);
  /* Writing takes set-id bits away. */
  return !error && (op->mode & 07000) && fchmod(fd, op->mode) < 0 ? errno : error;
}

int op_symlink(struct starter *starter, const struct op_symlink *op)
{
  (void)starter;
  char name[256];
  auto_fd parent = resolve_parent(op->root, op->path, name);
  if (parent < 0)
    return -parent;
  if (symlinkat(op->target, parent, name) == 0)
    return 0;
  if (errno == EEXIST && unlinkat(parent, name, 0) == 0 && symlinkat(op->target, parent, name) == 0)
    return 0;
  return errno;
}
