/* What a launch is known by: everything that its plan depends on and that no stamp of a path tells. */
#include "launcher.h"
#include "kernel.h"
#include "text.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/utsname.h>

enum { TCGETS_ = 0x5401, TERMINAL_BYTES = 256, GROUPS_MAX = 1024 };

/* Bytes at the end of the arena's used part, as long as nothing else is taken. */
struct text {
  struct arena *arena;
  bool full;
};

static void add(struct text *to, const void *bytes, size_t size)
{
  struct arena *arena = to->arena;
  to->full = to->full || size > (size_t)(arena->end - arena->at);
  for (size_t i = 0; i < size && !to->full; i++)
    *arena->at++ = ((const char *)bytes)[i];
}

static void add_string(struct text *to, const char *string)
{
  add(to, string, length_of(string) + 1);
}

static void add_number(struct text *to, uint32_t number)
{
  add(to, &number, sizeof number);
}

bool is_launch(const struct call *call)
{
  for (int i = 1; i < call->argc; i++)
    if (*call->argv[i] != '-')
      return same_text(call->argv[i], "exec") || same_text(call->argv[i], "run") ||
             same_text(call->argv[i], "shell") || same_text(call->argv[i], "test");
  return false;
}

/*
 * Variables that a plan depends on by their values. All others only pass through: scripts of an image
 * do not see the caller's variables (reference: runtime.md 2.1, step 4). PWD is the name that the
 * working directory was reached by. Those of proxies say whether the launcher may ask a registry itself.
 */
static bool is_read(const char *entry)
{
  switch (*entry) {
  case 'A':
    return begins(entry, "APPTAINER") || begins(entry, "ALL_PROXY=");
  case 'C':
    return begins(entry, "CONTAINERS_");
  case 'D':
    return begins(entry, "DOCKER_");
  case 'H':
    return begins(entry, "HOME=") || begins(entry, "HTTP_PROXY=");
  case 'N':
    return begins(entry, "NO_PROXY=");
  case 'P':
    return begins(entry, "PATH=") || begins(entry, "PWD=") || begins(entry, "PROMPT_COMMAND=");
  case 'S':
    return begins(entry, "SKIFF_") || begins(entry, "SINGULARITY");
  case 'T':
    return begins(entry, "TMPDIR=");
  case 'a':
    return begins(entry, "all_proxy=");
  case 'h':
    return begins(entry, "http_proxy=");
  case 'n':
    return begins(entry, "no_proxy=");
  default:
    return false;
  }
}

/* Variables of launchers of ranks: that one is there makes another plan, whatever it says (src/plan/share.ts). */
static bool is_sign(const char *entry)
{
  return begins(entry, "SLURM_STEP_ID=") || begins(entry, "PMIX_NAMESPACE=") ||
         begins(entry, "PALS_APID=") || begins(entry, "FLUX_TASK_RANK=") ||
         begins(entry, "PMI_RANK=") || begins(entry, "PMI_ID=");
}

/* The value of a variable, "" when it is not there. */
static const char *value_of(char **env, const char *name)
{
  size_t length = length_of(name);
  for (; *env; env++)
    if (begins(*env, name) && (*env)[length] == '=')
      return *env + length + 1;
  return "";
}

static const char *first_value(char **env, const char *names)
{
  const char *value = "";
  for (; *names && !*value; names += length_of(names) + 1)
    value = value_of(env, names);
  return value;
}

/* Where records are kept: below the cache directory that is named, else below the home. */
static bool add_directory(struct text *to, char **env)
{
  const char *cache = first_value(env, "SKIFF_CACHEDIR\0APPTAINER_CACHEDIR\0SINGULARITY_CACHEDIR\0");
  const char *home = value_of(env, "HOME");
  const char *base = *cache ? cache : home;
  if (*base != '/' || (!*cache && !home[1]))
    return false;
  add(to, base, length_of(base));
  if (!*cache)
    add(to, "/.skiff", 7);
  add_string(to, "/cache/launch");
  return true;
}

static bool add_ids(struct text *to)
{
  uint32_t groups[GROUPS_MAX];
  long uid = call(getuid), gid = call(getgid), count = call(getgroups, GROUPS_MAX, groups);
  if (uid == 0 || call(geteuid) != uid || call(getegid) != gid || count < 0)
    return false;
  add_number(to, (uint32_t)uid);
  add_number(to, (uint32_t)gid);
  add_number(to, (uint32_t)count);
  add(to, groups, (size_t)count * sizeof *groups);
  return true;
}

static void add_privileges(struct text *to)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct caps[2] = {{0}, {0}};
  call(capget, &header, caps);
  add(to, caps, sizeof caps);
  add_number(to, (uint32_t)call(prctl, PR_GET_NO_NEW_PRIVS));
  /* There is no call that only reads it. */
  long mask = call(umask, 0);
  call(umask, mask);
  add_number(to, (uint32_t)mask);
}

static void add_terminals(struct text *to)
{
  char settings[TERMINAL_BYTES];
  add_number(to, call(ioctl, 0, TCGETS_, settings) == 0);
  add_number(to, call(ioctl, 2, TCGETS_, settings) == 0);
}

static bool add_machine(struct text *to)
{
  struct new_utsname names;
  char space[PATH_BYTES];
  long length = call(readlinkat, -1, "/proc/self/ns/user", space, sizeof space);
  if (length <= 0 || call(uname, &names) < 0)
    return false;
  add_string(to, names.nodename);
  add_string(to, names.release);
  add(to, space, (size_t)length);
  return true;
}

/*
 * Which skiff this is: a link that the shell finds by PATH may lead to another version by now, and a
 * program with an image (note_image) launches that, whatever name it was called by.
 */
static bool add_program(struct text *to)
{
  char path[PATH_BYTES];
  long length = call(readlinkat, -1, "/proc/self/exe", path, sizeof path);
  if (length <= 0)
    return false;
  add(to, path, (size_t)length);
  add_string(to, "");
  return true;
}

static bool add_place(struct text *to)
{
  char directory[PATH_BYTES];
  bool found = call(getcwd, directory, sizeof directory) > 0;
  if (found)
    add_string(to, directory);
  return found;
}

static void add_words(struct text *to, const struct call *call)
{
  add_number(to, (uint32_t)call->argc);
  for (int i = 0; i < call->argc; i++)
    add_string(to, call->argv[i]);
  for (char **entry = call->env; *entry; entry++)
    if (is_read(*entry))
      add_string(to, *entry);
    else if (is_sign(*entry))
      add(to, *entry, name_length(*entry) + 1);
}

static void add_name(struct note *note, const char *key, size_t size)
{
  uint32_t digest[8];
  sha256((const unsigned char *)key, size, digest);
  for (int i = 0; i < NAME_BYTES; i++) {
    uint32_t digit = digest[i / 8] >> (28 - 4 * (i % 8)) & 15;
    note->name[i] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
  }
}

bool make_key(const struct call *call, struct note *note, struct arena *arena)
{
  struct text text = {arena, false};
  for (char **entry = call->env; *entry; entry++)
    if (begins(*entry, "SKIFF_NO_REPLAY="))
      return false;
  char *dir = arena->at;
  if (!add_directory(&text, call->env))
    return false;
  char *key = arena->at;
  add_words(&text, call);
  if (!add_program(&text) || !add_place(&text) || !add_ids(&text) || !add_machine(&text))
    return false;
  add_privileges(&text);
  add_terminals(&text);
  if (text.full)
    return false;
  note->dir_bytes = (uint32_t)(key - dir);
  add_name(note, key, (size_t)(arena->at - key));
  /* The key is needed no more. */
  arena->at = dir + ((note->dir_bytes + 7U) & ~7U);
  return true;
}
