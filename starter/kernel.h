/*
 * What the kernel has and the C library's headers may not have yet: one place, so that the starter
 * builds against musl without kernel headers and against the oldest glibc we support. System calls
 * from 424 on have the same number on every machine.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#define MOVE_MOUNT_T_EMPTY_PATH 64
#endif

/* Of statfs(2): not in every libc. */
#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

#define FUSE_MAGIC 0x65735546

struct kernel_open_how {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
#define KERNEL_RESOLVE_NO_MAGICLINKS 0x02
#define KERNEL_RESOLVE_IN_ROOT 0x10

struct kernel_mount_attr {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t userns_fd;
};

struct kernel_cap_header {
  uint32_t version;
  int pid;
};
struct kernel_cap_data {
  uint32_t effective, permitted, inheritable;
};
#define KERNEL_CAP_VERSION_3 0x20080522
#define KERNEL_CAP_DAC_OVERRIDE 1
#define KERNEL_CAP_DAC_READ_SEARCH 2
#define KERNEL_CAP_SYS_ADMIN 21

struct kernel_sock_fprog {
  unsigned short length;
  const void *filter;
};

/* Of seccomp: a call that waits for an answer, and that. */
struct kernel_notif {
  uint64_t id;
  uint32_t pid, flags;
  int number;
  uint32_t arch;
  uint64_t instruction, args[6];
};
struct kernel_notif_resp {
  uint64_t id;
  int64_t value;
  int32_t error;
  uint32_t flags;
};
#define KERNEL_NOTIF_RECV 0xC0502100
#define KERNEL_NOTIF_SEND 0xC0182101
#if defined __x86_64__
#define KERNEL_AUDIT_ARCH 0xC000003E
#else
#define KERNEL_AUDIT_ARCH 0xC00000B7
#endif

struct kernel_loop_info {
  uint64_t device, inode, rdevice, offset, size_limit;
  uint32_t number, encrypt_type, encrypt_key_size, flags;
  uint8_t file_name[64], crypt_name[64], encrypt_key[32];
  uint64_t init[2];
};
struct kernel_loop_config {
  uint32_t fd;
  uint32_t block_size;
  struct kernel_loop_info info;
  uint64_t reserved[8];
};
#define KERNEL_LOOP_SET_FD 0x4C00
#define KERNEL_LOOP_CLR_FD 0x4C01
#define KERNEL_LOOP_SET_STATUS64 0x4C04
#define KERNEL_LOOP_CONFIGURE 0x4C0A
#define KERNEL_LOOP_CTL_GET_FREE 0x4C82
#define KERNEL_LO_READ_ONLY 1
#define KERNEL_LO_AUTOCLEAR 4

#endif
