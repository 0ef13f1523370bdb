/* Who the program is. */
#include "starter.h"

#include <grp.h>
#include <string.h>
#include <sys/prctl.h>

static int set_groups(const struct op_strs *words)
{
  if (words->count == 1 && strcmp(words->items[0], "keep") == 0)
    return 0;
  auto_free gid_t *groups = calloc((size_t)words->count + 1, sizeof *groups);
  if (!groups)
    return ENOMEM;
  for (uint32_t i = 0; i < words->count; i++) {
    char *end;
    groups[i] = (gid_t)strtoul(words->items[i], &end, 10);
    if (!*words->items[i] || *end)
      return EINVAL;
  }
  return setgroups(words->count, groups) < 0 ? errno : 0;
}

int op_ids(struct starter *starter, const struct op_ids *op)
{
  int error = set_groups(&op->groups);
  if (error)
    return error;
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (setresgid(op->gid, op->gid, op->gid) < 0 || setresuid(op->uid, op->uid, op->uid) < 0)
    return errno;
  /* The change of uid emptied the effective set, hid our /proc files and cut the tie to the parent. */
  error = raise_effective();
  show(starter, true);
  return error ? error : rearm_tether(starter);
}
