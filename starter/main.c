/* starter FD: carries out the operations that descriptor FD holds; the last one is the program. */
#include "starter.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern char **environ;

static int carry_out(struct starter *starter, const struct op *op)
{
  switch (op->code) {
  case OP_UNSHARE:
    return op_unshare(starter, &op->as.unshare);
  case OP_JOIN:
    return op_join(starter, &op->as.join);
  case OP_PROPAGATION:
    return op_propagation(starter, &op->as.propagation);
  case OP_MOUNT:
    return op_mount(starter, &op->as.mount);
  case OP_BIND:
    return op_bind(starter, &op->as.bind);
  case OP_REMOUNT:
    return op_remount(starter, &op->as.remount);
  case OP_MKDIR:
    return op_mkdir(starter, &op->as.mkdir);
  case OP_FILE:
    return op_file(starter, &op->as.file);
  case OP_SYMLINK:
    return op_symlink(starter, &op->as.symlink);
  case OP_FUSE:
    return op_fuse(starter, &op->as.fuse);
  case OP_LOOP:
    return op_loop(starter, &op->as.loop);
  case OP_OVERLAY:
    return op_overlay(starter, &op->as.overlay);
  case OP_PIVOT:
    return op_pivot(starter, &op->as.pivot);
  case OP_UMOUNT:
    return op_umount(starter, &op->as.umount);
  case OP_HOSTNAME:
    return op_hostname(starter, &op->as.hostname);
  case OP_LOOPBACK:
    return op_loopback(starter);
  case OP_FORK:
    return op_fork(starter, &op->as.fork);
  case OP_JANITOR:
    return op_janitor(starter, &op->as.janitor);
  case OP_RUN:
    return op_run(starter, &op->as.run);
  case OP_RLIMIT:
    return op_rlimit(starter, &op->as.rlimit);
  case OP_UMASK:
    return op_umask(starter, &op->as.umask);
  case OP_IDS:
    return op_ids(starter, &op->as.ids);
  case OP_CAPS:
    return op_caps(starter, &op->as.caps);
  case OP_SECCOMP:
    return op_seccomp(starter, &op->as.seccomp);
  case OP_ATTR:
    return op_attr(starter, &op->as.attr);
  case OP_CHDIR:
    return op_chdir(starter, &op->as.chdir);
  case OP_SAY:
    return op_say(starter, &op->as.say);
  case OP_ENVIRON:
    return op_environ(starter, &op->as.environ);
  case OP_CGROUP:
    return op_cgroup(starter, &op->as.cgroup);
  case OP_WRITE:
    return op_write(starter, &op->as.write);
  case OP_COMPANION:
    return op_companion(starter, &op->as.companion);
  case OP_MEET:
    return op_meet(starter);
  case OP_OWNERS:
    return op_owners(starter, &op->as.owners);
  case OP_EXEC:
    return op_exec(starter, &op->as.exec);
  case OP_INSTANCE:
    return op_instance(starter, &op->as.instance);
  case OP_ENTER:
    return op_enter(starter, &op->as.enter);
  case OP_SHARE:
    return op_share(starter, &op->as.share);
  case OP_PUBLISH:
    return op_publish(starter);
  }
  return EBADMSG;
}

/*
 * Else our own descriptors would take the numbers of standard streams that the caller closed, and the
 * program's files would: it gets them, too, as with the peers.
 */
static int fill_standard_fds(void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
      return errno;
  return 0;
}

/* The descriptor whose device is mounted; -1: none. */
static int mounted_fd(const char *source)
{
  int fd, end = 0;
  const char *name = strstr(source, "/proc/self/fd/");
  return name && sscanf(name, "/proc/self/fd/%d%n", &fd, &end) == 1 && !name[end] ? fd : -1;
}

/* Descriptors that came for us and not for the program. */
static void hide_own_fds(const struct starter *starter)
{
  for (uint32_t i = 0; i < starter->count; i++) {
    const struct op *op = &starter->ops[i];
    int fd = op->code == OP_ENVIRON ? op->as.environ.fd
             : op->code == OP_MOUNT ? mounted_fd(op->as.mount.source)
                                    : -1;
    if (fd >= 0)
      fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

/* A pipe that process 1 of an instance holds to its end, for those who do something afterwards. */
static int open_lifeline(struct starter *starter)
{
  bool found = false;
  for (uint32_t i = 0; i < starter->count; i++)
    found = found || starter->ops[i].code == OP_INSTANCE;
  return found && pipe2(starter->lifeline, O_CLOEXEC) < 0 ? errno : 0;
}

/* All words of the command line, which lie one after another: room for another name. */
static void take_title(struct starter *starter, int argc, char **argv)
{
  const char *last = argv[argc - 1];
  starter->title = argv[0];
  starter->title_room = (size_t)(last + strlen(last) - argv[0]) + 1;
}

/* The proc that we are in: one of another PID namespace would not know us. */
static int open_proc(const char *path)
{
  auto_fd proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0 || faccessat(proc, "self/fd", F_OK, 0) < 0)
    return -1;
  return take_fd(&proc);
}

static int prepare(struct starter *starter, int fd)
{
  unsigned char *bytes;
  size_t size;
  int error = fill_standard_fds();
  if (!error)
    error = read_stream(fd, &bytes, &size);
  if (!error)
    error = decode_stream(bytes, size, starter);
  if (error)
    return error;
  close(fd);
  hide_own_fds(starter);
  reset_signals(starter->keep_ignored);
  starter->umask = umask(0);
  starter->proc = open_proc(starter->proc_path);
  return open_lifeline(starter);
}

static int fail(struct starter *starter, int error)
{
  int status = report_failure(starter, error);
  /* To process 1 of an instance, which would take our end for that of the program. */
  if (starter->failed >= 0 && write(starter->failed, "F", 1) < 0)
    return FAILED;
  return status;
}

int main(int argc, char **argv)
{
  struct starter starter = {.proc = -1,
                            .waiter = -1,
                            .failed = -1,
                            .lifeline = {-1, -1},
                            .members = -1,
                            .share_directory = -1,
                            .companion = -1,
                            .companion_log = -1,
                            .environment = environ};
  char *end = NULL;
  long fd = argc == 2 ? strtol(argv[1], &end, 10) : -1;
  int error = fd <= STDERR_FILENO || fd > 1 << 20 || *end ? EBADF : prepare(&starter, (int)fd);
  if (error) {
    print_plain(strerror(error));
    return FAILED;
  }
  take_title(&starter, argc, argv);
  for (; starter.index < starter.count; starter.index++) {
    const struct op *op = &starter.ops[starter.index];
    print_plain(op->note);
    error = carry_out(&starter, op);
    if (error)
      return fail(&starter, error);
  }
  return 0;
}
