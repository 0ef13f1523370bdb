/*
 * Reads and decodes the op stream (layout: src/ops/encode.ts). The stream is taken as hostile: no
 * length is used before it was compared with what is left, no count before what it needs at least,
 * and no op runs before all are decoded and nothing is left. Texts and bytes point into the stream.
 */
#define OP_SCHEMA
#include "starter.h"

#include <string.h>

enum {
  MAGIC = 0x504f4b53,
  VERSION = 1,
  LIMIT = 16 << 20,
  WORDS_WORD = 7,
  BLOBS_WORD = 8,
  HEADER_WORDS = 9,
  SMALLEST_OP_WORDS = 3,
};

struct region {
  unsigned char *at;
  size_t left;
};

/* The three parts of the stream, and memory for arrays: see arena_size(). */
struct cursor {
  struct region words, blobs, texts, arena;
};

int read_stream(int fd, unsigned char **bytes, size_t *size)
{
  size_t room = 1 << 16, length = 0;
  auto_free unsigned char *buffer = malloc(room);
  while (buffer) {
    ssize_t got = read(fd, buffer + length, room - length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return errno;
    length += (size_t)got;
    if (got == 0)
      break;
    if (length > LIMIT)
      return EFBIG;
    if (length == room) {
      unsigned char *grown = realloc(buffer, room *= 2);
      if (!grown)
        return ENOMEM;
      buffer = grown;
    }
  }
  if (!buffer)
    return ENOMEM;
  *bytes = buffer;
  *size = length;
  buffer = NULL;
  return 0;
}

static uint32_t word_at(const unsigned char *at)
{
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void *take(struct region *region, size_t size)
{
  void *taken = region->at;
  if (size > region->left)
    return NULL;
  region->at += size;
  region->left -= size;
  return taken;
}

static bool take_u32(struct cursor *from, uint32_t *value)
{
  const unsigned char *word = take(&from->words, 4);
  if (word)
    *value = word_at(word);
  return word;
}

static bool take_u64(struct cursor *from, uint64_t *value)
{
  uint32_t low, high;
  if (!take_u32(from, &low) || !take_u32(from, &high))
    return false;
  *value = (uint64_t)high << 32 | low;
  return true;
}

static bool take_str(struct cursor *from, const char **text)
{
  const unsigned char *end = memchr(from->texts.at, 0, from->texts.left);
  if (!end)
    return false;
  *text = take(&from->texts, (size_t)(end - from->texts.at) + 1);
  return true;
}

static bool take_bytes(struct cursor *from, struct op_bytes *bytes)
{
  return take_u32(from, &bytes->size) && (bytes->data = take(&from->blobs, bytes->size));
}

/* Each text takes a byte at least, so that `count` says how much memory may be asked for. */
static bool take_strs(struct cursor *from, struct op_strs *strs)
{
  if (!take_u32(from, &strs->count) || strs->count > from->texts.left)
    return false;
  strs->items = take(&from->arena, ((size_t)strs->count + 1) * sizeof *strs->items);
  if (!strs->items)
    return false;
  for (uint32_t i = 0; i < strs->count; i++) {
    const char *text;
    if (!take_str(from, &text))
      return false;
    /* execve(2) wants them so; the stream is our own memory. */
    strs->items[i] = (char *)text;
  }
  strs->items[strs->count] = NULL;
  return true;
}

static bool take_field(struct cursor *from, enum op_field_kind kind, void *field)
{
  switch (kind) {
  case OP_U32:
  case OP_I32:
    return take_u32(from, field);
  case OP_U64:
    return take_u64(from, field);
  case OP_STR:
    return take_str(from, field);
  case OP_STRS:
    return take_strs(from, field);
  case OP_BYTES:
    return take_bytes(from, field);
  }
  return false;
}

static bool take_faults(struct cursor *from, struct op *op)
{
  if (!take_u32(from, &op->fault_count) || op->fault_count > from->words.left / 4)
    return false;
  op->faults = take(&from->arena, op->fault_count * sizeof *op->faults);
  if (!op->faults)
    return false;
  for (uint32_t i = 0; i < op->fault_count; i++)
    if (!take_u32(from, &op->faults[i].error) || !take_str(from, &op->faults[i].text))
      return false;
  return true;
}

static bool take_op(struct cursor *from, struct op *op)
{
  uint32_t code, length;
  if (!take_u32(from, &code) || !take_u32(from, &length) || length > from->words.left / 4)
    return false;
  const struct op_schema *schema = op_schema(code);
  if (!schema)
    return false;
  op->code = (enum op_code)code;
  size_t left = from->words.left - 4 * (size_t)length;
  for (size_t i = 0; i < schema->count; i++)
    if (!take_field(from, schema->fields[i].kind, (char *)&op->as + schema->fields[i].offset))
      return false;
  return take_faults(from, op) && take_str(from, &op->note) && from->words.left == left;
}

static bool take_header(struct cursor *from, unsigned char *bytes, size_t size,
                        struct starter *starter)
{
  if (size < 4 * HEADER_WORDS || size > LIMIT)
    return false;
  size_t words = 4 * (size_t)word_at(bytes + 4 * WORDS_WORD);
  size_t blobs = word_at(bytes + 4 * BLOBS_WORD);
  if (words > size || blobs > size - words)
    return false;
  *from = (struct cursor){
    .words = {bytes, words},
    .blobs = {bytes + words, blobs},
    .texts = {bytes + words + blobs, size - words - blobs},
  };
  uint32_t magic, version, told;
  uint64_t sizes;
  return take_u32(from, &magic) && magic == MAGIC && take_u32(from, &version) &&
         version == VERSION && take_u32(from, &told) && told == size &&
         take_u32(from, &starter->flags) && take_u64(from, &starter->keep_ignored) &&
         take_u32(from, &starter->count) && take_u64(from, &sizes) &&
         take_str(from, &starter->proc_path) && take_str(from, &starter->prefix) &&
         starter->count <= from->words.left / (4 * SMALLEST_OP_WORDS);
}

/* A pointer for each text and one for the end of each list, which has a word; a fault has a word. */
static size_t arena_size(const struct cursor *from)
{
  return from->texts.left * sizeof(char *) + from->words.left / 4 * sizeof(struct op_fault);
}

int decode_stream(unsigned char *bytes, size_t size, struct starter *starter)
{
  struct cursor from;
  if (!take_header(&from, bytes, size, starter))
    return EBADMSG;
  /* Both live as long as the process: it becomes another program. */
  from.arena.left = arena_size(&from) + sizeof(struct op_fault);
  from.arena.at = malloc(from.arena.left);
  starter->ops = calloc((size_t)starter->count + 1, sizeof *starter->ops);
  if (!from.arena.at || !starter->ops)
    return ENOMEM;
  for (uint32_t i = 0; i < starter->count; i++)
    if (!take_op(&from, &starter->ops[i]))
      return EBADMSG;
  return from.words.left == 0 && from.blobs.left == 0 && from.texts.left == 0 ? 0 : EBADMSG;
}
