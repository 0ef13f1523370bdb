/*
 * Reads and decodes the op stream (layout: src/ops/encode.ts). The stream is taken as hostile: no
 * length is used before it was compared with what is left, no count before the bytes it needs at
 * least, and no op runs before all are decoded. Texts and byte fields point into the stream.
 */
#define OP_SCHEMA
#include "starter.h"

#include <string.h>

enum {
  MAGIC = 0x504f4b53,
  VERSION = 1,
  LIMIT = 16 << 20,
  SMALLEST_STR = 8,
  SMALLEST_FAULT = 12,
  SMALLEST_OP = 20,
};

struct cursor {
  unsigned char *at;
  size_t left;
  /* Memory for arrays: twice the stream, which is more than any stream can ask for. */
  char *arena;
  size_t arena_left;
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

static bool take_u32(struct cursor *from, uint32_t *value)
{
  if (from->left < 4)
    return false;
  *value = (uint32_t)from->at[0] | (uint32_t)from->at[1] << 8 | (uint32_t)from->at[2] << 16 |
           (uint32_t)from->at[3] << 24;
  from->at += 4;
  from->left -= 4;
  return true;
}

static bool take_u64(struct cursor *from, uint64_t *value)
{
  uint32_t low, high;
  if (!take_u32(from, &low) || !take_u32(from, &high))
    return false;
  *value = (uint64_t)high << 32 | low;
  return true;
}

/* `size` bytes and the zeros behind them: `nuls` and then up to a multiple of 4. */
static bool take_padded(struct cursor *from, uint32_t size, uint32_t nuls, unsigned char **data)
{
  if (size > from->left)
    return false;
  size_t padded = ((size_t)size + nuls + 3) & ~(size_t)3;
  if (padded > from->left)
    return false;
  for (size_t i = size; i < padded; i++)
    if (from->at[i] != 0)
      return false;
  *data = from->at;
  from->at += padded;
  from->left -= padded;
  return true;
}

static bool take_str(struct cursor *from, const char **text)
{
  uint32_t size;
  unsigned char *data;
  if (!take_u32(from, &size) || !take_padded(from, size, 1, &data) || memchr(data, 0, size))
    return false;
  *text = (const char *)data;
  return true;
}

static bool take_bytes(struct cursor *from, struct op_bytes *bytes)
{
  unsigned char *data;
  if (!take_u32(from, &bytes->size) || !take_padded(from, bytes->size, 0, &data))
    return false;
  bytes->data = data;
  return true;
}

static void *take_memory(struct cursor *from, size_t count, size_t size)
{
  size_t wanted = (count * size + 7) & ~(size_t)7;
  if (wanted > from->arena_left)
    return NULL;
  void *memory = from->arena;
  from->arena += wanted;
  from->arena_left -= wanted;
  return memory;
}

static bool take_strs(struct cursor *from, struct op_strs *strs)
{
  if (!take_u32(from, &strs->count) || strs->count > from->left / SMALLEST_STR)
    return false;
  strs->items = take_memory(from, (size_t)strs->count + 1, sizeof *strs->items);
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
  if (!take_u32(from, &op->fault_count) || op->fault_count > from->left / SMALLEST_FAULT)
    return false;
  op->faults = take_memory(from, op->fault_count, sizeof *op->faults);
  if (!op->faults)
    return false;
  for (uint32_t i = 0; i < op->fault_count; i++)
    if (!take_u32(from, &op->faults[i].error) || !take_str(from, &op->faults[i].text))
      return false;
  return true;
}

static bool take_op(struct cursor *from, struct op *op)
{
  uint32_t code, size;
  if (!take_u32(from, &code) || !take_u32(from, &size) || size > from->left || size % 4 != 0)
    return false;
  const struct op_schema *schema = op_schema(code);
  if (!schema)
    return false;
  op->code = (enum op_code)code;
  struct cursor body = *from;
  body.left = size;
  for (size_t i = 0; i < schema->count; i++)
    if (!take_field(&body, schema->fields[i].kind, (char *)&op->as + schema->fields[i].offset))
      return false;
  if (!take_faults(&body, op) || !take_str(&body, &op->note) || body.left != 0)
    return false;
  from->at = body.at;
  from->left -= size;
  from->arena = body.arena;
  from->arena_left = body.arena_left;
  return true;
}

int decode_stream(unsigned char *bytes, size_t size, struct starter *starter)
{
  struct cursor from = {.at = bytes, .left = size, .arena_left = 2 * size};
  uint32_t magic, version, told;
  if (size > LIMIT || !take_u32(&from, &magic) || magic != MAGIC || !take_u32(&from, &version) ||
      version != VERSION || !take_u32(&from, &told) || told != size ||
      !take_u32(&from, &starter->flags) || !take_u64(&from, &starter->keep_ignored) ||
      !take_u32(&from, &starter->count) || !take_str(&from, &starter->proc_path) ||
      !take_str(&from, &starter->prefix) || starter->count > from.left / SMALLEST_OP)
    return EBADMSG;
  /* Both live as long as the process: it becomes another program. */
  from.arena = malloc(from.arena_left);
  starter->ops = calloc((size_t)starter->count + 1, sizeof *starter->ops);
  if (!from.arena || !starter->ops)
    return ENOMEM;
  for (uint32_t i = 0; i < starter->count; i++)
    if (!take_op(&from, &starter->ops[i]))
      return EBADMSG;
  return from.left == 0 ? 0 : EBADMSG;
}
