/* What the program may do: capabilities and a filter of system calls. */
#include "starter.h"
#include "kernel.h"

#include <sys/prctl.h>

struct caps {
  uint64_t effective, permitted, inheritable;
};

static int get_caps(struct caps *caps)
{
  struct kernel_cap_header header = {.version = KERNEL_CAP_VERSION_3};
  struct kernel_cap_data data[2];
  if (syscall(SYS_capget, &header, data) < 0)
    return errno;
  caps->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
  caps->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
  caps->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
  return 0;
}

static int set_caps(const struct caps *caps)
{
  struct kernel_cap_header header = {.version = KERNEL_CAP_VERSION_3};
  struct kernel_cap_data data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t)(caps->effective >> (32 * i));
    data[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
    data[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
  }
  return syscall(SYS_capset, &header, data) < 0 ? errno : 0;
}

/* Drops what is not in `keep` from the bounding set; a refusal leaves the bit, which is no error. */
void limit_bounding(uint64_t keep)
{
  for (unsigned long cap = 0; cap < 64; cap++) {
    int present = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (present < 0)
      break;
    if (present && !(keep >> cap & 1))
      prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
}

/* All that is permitted, in effect. */
int raise_effective(void)
{
  struct caps caps;
  int error = get_caps(&caps);
  caps.effective = caps.permitted;
  return error ? error : set_caps(&caps);
}

/* Makes `wanted` survive an exec by an ordinary user, as far as it is permitted. */
int raise_ambient(uint64_t wanted)
{
  struct caps caps;
  int error = get_caps(&caps);
  if (error)
    return error;
  wanted &= caps.permitted;
  if ((caps.inheritable & wanted) != wanted) {
    caps.inheritable |= wanted;
    error = set_caps(&caps);
  }
  for (unsigned long cap = 0; cap < 64 && !error; cap++)
    if ((wanted >> cap & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      error = errno;
  return error;
}

int op_caps(struct starter *starter, const struct op_caps *op)
{
  (void)starter;
  struct caps now;
  int error = get_caps(&now);
  if (error)
    return error;
  /* Dropping from the bounding set needs CAP_SETPCAP, which may go right after. */
  limit_bounding(op->bounding);
  struct caps wanted = {
    .permitted = op->permitted & now.permitted,
    .inheritable = op->inheritable & now.permitted,
  };
  wanted.effective = op->effective & wanted.permitted;
  error = set_caps(&wanted);
  if (!error) {
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (op->ambient & wanted.permitted)
      error = raise_ambient(op->ambient & wanted.permitted & wanted.inheritable);
  }
  if (!error && op->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    error = errno;
  return error;
}

int op_seccomp(struct starter *starter, const struct op_seccomp *op)
{
  enum { INSTRUCTION = 8, INSTRUCTIONS_MAX = 4096, SET_MODE_FILTER = 1 };
  uint32_t length = op->filter.size / INSTRUCTION;
  if (op->filter.size % INSTRUCTION != 0 || length == 0 || length > INSTRUCTIONS_MAX)
    return EINVAL;
  int error = split_init(starter);
  if (error)
    return error;
  struct kernel_sock_fprog program = {(unsigned short)length, op->filter.data};
  return syscall(SYS_seccomp, SET_MODE_FILTER, op->flags, &program) < 0 ? errno : 0;
}
