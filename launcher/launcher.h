/*
 * The launcher is the first code of dist/skiff that runs: when the launch that is asked for is known
 * (docs/architecture.md), it becomes the starter without ever starting Bun; else it gives way to Bun.
 *
 *   entry         the first instruction; gives way to Bun's
 *   note          what Bun is told of the process as the caller made it
 *   key           what a launch is known by
 *   sha256        its digest
 *   record        the file that keeps a launch, as src/runtime/replay/record.ts writes it
 *   stamp         whether the paths of a record still are what they were
 *   environment   the program's environment from the caller's
 *   address       launches of images that are named by an address
 *   http          the request that tells whether the address still means the same
 *   become        the starter in place of this process
 *   memory        what compilers call of their own accord
 *
 * There is no libc (Bun's is not set up yet, or is not ours to use), no static data and no relocation:
 * the code is one block that runs wherever it is mapped. It decides nothing about containers, and
 * whatever is amiss means only that Bun takes over.
 */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  /* Where the memory lies: below every program, above what kernels forbid. */
  ARENA_ADDRESS = 0x100000,
  ARENA_BYTES = 0x100000,
  PATH_BYTES = 4096,
  NAME_BYTES = 32,
  NOTE_MAGIC = 0x544f4e53, /* "SNOT" */
};

/* What the kernel handed over, as it lies on the stack. */
struct call {
  int argc;
  char **argv, **env;
};

/* Memory that is only ever taken. */
struct arena {
  char *at, *end;
};

/*
 * What stays at ARENA_ADDRESS for Bun (src/host/launcher-note.ts): the limit on open files as the
 * caller set it, and of a launch that may be kept the name of its record and, behind the note, the
 * directory that it belongs in.
 */
struct note {
  uint32_t magic, dir_bytes; /* with its NUL; 0: the launch is not to be kept */
  uint32_t directory_lost; /* the working directory was removed: Bun, which needs one, gets / */
  uint32_t image_block;    /* where in the program's own file its image begins, in blocks of 4096 bytes; 0: it has none */
  uint64_t soft_limit, hard_limit;
  char name[NAME_BYTES]; /* hexadecimal digits of a digest of the key */
};

struct strings {
  uint32_t count;
  const char *first; /* NUL-ended, one after another */
};

/*
 * A record that was read: everything points into the arena. Of a launch it has the starter as its target;
 * of an address the image's path, how many words the command line has from the image on, and for
 * operations the question for its registry, whose first byte says who asks it, or nothing.
 */
struct record {
  uint64_t expires_ms;
  uint32_t stamp_count;
  const uint32_t *stamps;
  const char *paths, *target;
  bool pass_all;
  uint32_t image_words;
  struct strings pass, dropped, fixed, replaced, said;
  const char *ops;
  size_t ops_bytes;
};

/* Each gives null or false when Bun is to take over. */
bool is_launch(const struct call *call);
bool make_key(const struct call *call, struct note *note, struct arena *arena);
bool read_record(const struct note *note, struct arena *arena, struct record *record);
void sha256(const unsigned char *bytes, size_t size, uint32_t digest[8]);
bool stamps_hold(const struct record *record);
char **make_environment(const struct record *record, char **env, struct arena *arena);
bool by_path(const struct call *call, const struct record *record, struct arena *arena, struct call *again);
bool ask_plainly(const char *question, size_t size);
bool still_means(const struct record *record, const struct call *call);
void become_starter(const struct record *record, char **env);

static inline char *record_dir(const struct note *note)
{
  return (char *)(note + 1);
}

/* Bytes of the arena, aligned for words; null when it is used up. */
static inline void *take(struct arena *arena, size_t size)
{
  char *taken = arena->at;
  size = (size + 7) & ~(size_t)7;
  if (size > (size_t)(arena->end - arena->at))
    return NULL;
  arena->at += size;
  return taken;
}

#endif
