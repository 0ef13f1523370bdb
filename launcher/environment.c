/* The program's environment: operations of a record on the caller's variables. */
#include "launcher.h"
#include "text.h"

enum { LITERAL = '=' }; /* before `NAME=value`; else `<` before `NAME=FROM`, the value of another */

/* Of duplicates the first counts, as getenv(3) has it; what is no variable is none. */
static const char *find(char **env, const char *name)
{
  for (; *env; env++)
    if (same_name(*env, name) && (*env)[name_length(*env)])
      return *env;
  return NULL;
}

static bool has(const struct strings *names, const char *entry, size_t skipped)
{
  const char *at = names->first;
  for (uint32_t i = 0; i < names->count; i++) {
    if (same_name(at + skipped, entry))
      return true;
    at += length_of(at) + 1;
  }
  return false;
}

/* `NAME=` and the value that the caller's variable FROM has. */
static char *filled(const char *entry, char **env, struct arena *arena)
{
  size_t length = name_length(entry) + 1;
  const char *source = find(env, entry + length);
  const char *value = source ? source + name_length(source) + 1 : "";
  size_t size = length_of(value) + 1;
  char *text = take(arena, length + size);
  for (size_t i = 0; text && i < length; i++)
    text[i] = entry[i];
  for (size_t i = 0; text && i < size; i++)
    text[length + i] = value[i];
  return text;
}

/* Whether the caller has the variables that the plan replaced, and no other of those that it sets. */
static bool replaces_the_same(const struct record *record, char **env)
{
  uint32_t found = 0;
  const char *at = record->fixed.first;
  for (uint32_t i = 0; i < record->fixed.count; i++) {
    found += find(env, at + 1) != NULL;
    at += length_of(at) + 1;
  }
  at = record->replaced.first;
  for (uint32_t i = 0; i < record->replaced.count; i++) {
    if (!find(env, at))
      return false;
    at += length_of(at) + 1;
  }
  return found == record->replaced.count;
}

/* The variables, ended by a null pointer; null when the launch is another one, or too large. */
char **make_environment(const struct record *record, char **env, struct arena *arena)
{
  size_t count = record->fixed.count + 1, used = 0;
  for (char **entry = env; *entry; entry++)
    count++;
  char **out = take(arena, count * sizeof *out);
  if (!out || !replaces_the_same(record, env))
    return NULL;
  const char *at = record->fixed.first;
  for (uint32_t i = 0; i < record->fixed.count; i++) {
    out[used] = *at == LITERAL ? (char *)at + 1 : filled(at + 1, env, arena);
    if (!out[used++])
      return NULL;
    at += length_of(at) + 1;
  }
  for (char **entry = env; *entry; entry++)
    if (**entry != '=' && find(env, *entry) == *entry && !has(&record->dropped, *entry, 0) &&
        !has(&record->fixed, *entry, 1) && (record->pass_all || has(&record->pass, *entry, 0)))
      out[used++] = *entry;
  out[used] = NULL;
  return out;
}
