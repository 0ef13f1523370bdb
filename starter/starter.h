/*
 * The starter carries out a list of kernel operations and becomes the user's program.
 *
 *   main      reads the stream, carries the ops out in order, tells of the failure
 *   stream    bytes -> ops: every length, count and NUL is verified before the first op runs
 *   resolve   paths inside a root, as in a chroot
 *   mount, overlay, loop, fuse, server, files, root   the tree
 *   ns, ids, caps, process, fork, instance, member, share, run, environ, attributes, exec   the process
 *   janitor, cgroup, companion   what is done beside it and when it is over
 *   report    what is printed
 *
 * Functions named op_* carry out one op and return 0 or an errno. There are no globals; there is no
 * prose: every word that is printed comes with the stream.
 */
#ifndef STARTER_H
#define STARTER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "op.h"

enum {
  /* Header flags: older kernels and an initramfs as root, as tests want them. */
  FLAG_CLASSIC = 1,
  FLAG_CHROOT = 2,

  FAILED = 255,
  KILLED = 128, /* and the number of the signal */
  SIGNALS = 64,
  OUTPUT_MAX = 1024,
  SERVERS_MAX = 16,
};

/* A running file server: the op that made it and what it prints (a memfd). */
struct server {
  uint32_t op;
  int log;
};

struct starter {
  /* The stream. */
  uint32_t flags;
  uint64_t keep_ignored;
  const char *proc_path;
  const char *prefix;
  uint32_t count;
  struct op *ops;

  uint32_t index;      /* the op under way */
  int proc;            /* O_PATH on procfs as it was at the start; -1: none */
  char **environment;  /* of the program */
  mode_t umask;        /* of the program; the starter's own is 0 */
  bool tethered;       /* ends with its parent */
  bool hidden;         /* from the container's processes, until it is the program */
  bool pending_init;   /* process 1 that is still to fork */
  int waiter;          /* socket to the waiter; -1: none */
  int companion;       /* socket to the companion; -1: none */
  int companion_log;   /* what it prints; -1: nowhere */
  const struct op_instance *instance; /* that process 1 is to be; null: none */
  int lifeline[2];     /* pipe that ends with an instance; -1: none */
  int members;         /* file of a shared container, and its directory; -1: none */
  int share_directory;
  int failed;          /* pipe to process 1 of an instance; -1: none */
  char *title;         /* what ps(1) shows */
  size_t title_room;
  uint32_t server_count;
  struct server servers[SERVERS_MAX];
  char output[OUTPUT_MAX]; /* what a helper program printed */
};

/* stream */
int read_stream(int fd, unsigned char **bytes, size_t *size);
int decode_stream(unsigned char *bytes, size_t size, struct starter *starter);

/* report */
void print_plain(const char *text);
void print_warning(const struct starter *starter, const char *text, int error);
int report_failure(struct starter *starter, int error);
int new_log(void);
void take_output(struct starter *starter, int log);

/* resolve: each gives an O_PATH descriptor or minus an errno */
enum walk_kind { WALK_EXISTING, WALK_MAKE_DIRECTORY, WALK_MAKE_FILE };
int resolve(const struct starter *starter, const char *root, const char *path);
int resolve_make(const char *root, const char *path, enum walk_kind kind, mode_t mode);
int resolve_parent(const char *root, const char *path, char name[256]);
int reopen(const struct starter *starter, int fd, int flags);

/* mount */
struct spot {
  char path[40];
};
int stand_at(const struct starter *starter, int fd, struct spot *spot);
int mount_at(const struct starter *starter, int target, const char *source, const char *fstype,
             unsigned long flags, const char *data);
int add_mount_flags(const struct starter *starter, int mount, uint32_t flags, bool recursive);

/* lock: values of the field `lock` of ops; 0: none */
enum { LOCK_SHARED = 1 };
int lock_range(int file, bool exclusive, uint64_t offset, uint64_t size);

/* process */
void close_others(const int *keep, size_t count);
int open_nothing(void);
void null_stdio(int log);
void reset_signals(uint64_t keep_ignored);
void name_process(const struct starter *starter, const char *name);
int wait_status(pid_t pid);
bool fork_apart(int *error);
int rearm_tether(const struct starter *starter);
void show(const struct starter *starter, bool shown);

/* janitor */
typedef void ending(const struct starter *starter, const void *op);
int watch_self(const struct starter *starter);
int at_end(const struct starter *starter, ending *task, const void *op);
/* fork */
int split_init(struct starter *starter);
int watch_signals(void);
void unwatch_signals(int *watch);
int tether(struct starter *starter, int socket);
bool is_ending(int signal);
_Noreturn void die_by(int signal);

/* instance */
int split_instance(struct starter *starter, bool has_program);

/* member: a number above 0 is an errno */
int start_time(const struct starter *starter, pid_t pid, uint64_t *started);
int enter_process(const struct starter *starter, pid_t pid, uint64_t started,
                  const struct op_strs *names, bool *half);

/* caps */
void limit_bounding(uint64_t keep);
int raise_ambient(uint64_t wanted);
int raise_effective(void);

/* ops */
int op_unshare(struct starter *starter, const struct op_unshare *op);
int op_join(struct starter *starter, const struct op_join *op);
int op_propagation(struct starter *starter, const struct op_propagation *op);
int op_mount(struct starter *starter, const struct op_mount *op);
int op_bind(struct starter *starter, const struct op_bind *op);
int op_remount(struct starter *starter, const struct op_remount *op);
int op_mkdir(struct starter *starter, const struct op_mkdir *op);
int op_file(struct starter *starter, const struct op_file *op);
int op_symlink(struct starter *starter, const struct op_symlink *op);
int op_fuse(struct starter *starter, const struct op_fuse *op);
int op_loop(struct starter *starter, const struct op_loop *op);
int op_overlay(struct starter *starter, const struct op_overlay *op);
int op_pivot(struct starter *starter, const struct op_pivot *op);
int op_umount(struct starter *starter, const struct op_umount *op);
int op_hostname(struct starter *starter, const struct op_hostname *op);
int op_loopback(struct starter *starter);
int op_fork(struct starter *starter, const struct op_fork *op);
int op_janitor(struct starter *starter, const struct op_janitor *op);
int op_run(struct starter *starter, const struct op_run *op);
int op_rlimit(struct starter *starter, const struct op_rlimit *op);
int op_umask(struct starter *starter, const struct op_umask *op);
int op_ids(struct starter *starter, const struct op_ids *op);
int op_caps(struct starter *starter, const struct op_caps *op);
int op_seccomp(struct starter *starter, const struct op_seccomp *op);
int op_attr(struct starter *starter, const struct op_attr *op);
int op_chdir(struct starter *starter, const struct op_chdir *op);
int op_say(struct starter *starter, const struct op_say *op);
int op_environ(struct starter *starter, const struct op_environ *op);
int op_cgroup(struct starter *starter, const struct op_cgroup *op);
int op_write(struct starter *starter, const struct op_write *op);
int op_companion(struct starter *starter, const struct op_companion *op);
int op_meet(struct starter *starter);
int op_owners(struct starter *starter, const struct op_owners *op);
int op_exec(struct starter *starter, const struct op_exec *op);
int op_instance(struct starter *starter, const struct op_instance *op);
int op_enter(struct starter *starter, const struct op_enter *op);
int op_share(struct starter *starter, const struct op_share *op);
int op_publish(struct starter *starter);

/* Descriptors and memory that end with their block. */
static inline void close_fd(const int *fd)
{
  int error = errno;
  if (*fd >= 0)
    close(*fd);
  errno = error;
}
#define auto_fd __attribute__((cleanup(close_fd))) int

static inline void free_memory(void *memory)
{
  void *block = *(void **)memory;
  free(block);
}
#define auto_free __attribute__((cleanup(free_memory)))

/* The descriptor, which the block then no longer closes. */
static inline int take_fd(int *fd)
{
  int taken = *fd;
  *fd = -1;
  return taken;
}

#endif
