/* dump FILE: prints a stream as the starter decodes it, bytes of texts in hexadecimal; 1 when it refuses. */
#define OP_SCHEMA
#include "starter.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void print_bytes(const void *data, size_t size)
{
  for (size_t i = 0; i < size; i++)
    printf("%02x", ((const unsigned char *)data)[i]);
}

static void print_field(enum op_field_kind kind, const void *field)
{
  switch (kind) {
  case OP_U32:
    printf("%u", *(const uint32_t *)field);
    break;
  case OP_I32:
    printf("%d", *(const int32_t *)field);
    break;
  case OP_U64:
    printf("%llu", (unsigned long long)*(const uint64_t *)field);
    break;
  case OP_STR: {
    const char *text = *(const char *const *)field;
    print_bytes(text, strlen(text));
    break;
  }
  case OP_STRS: {
    const struct op_strs *strs = field;
    for (char **item = strs->items; *item; item++) {
      printf("/");
      print_bytes(*item, strlen(*item));
    }
    break;
  }
  case OP_BYTES: {
    const struct op_bytes *bytes = field;
    print_bytes(bytes->data, bytes->size);
    break;
  }
  }
}

int main(int argc, char **argv)
{
  struct starter starter = {0};
  unsigned char *bytes;
  size_t size;
  int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  int error = fd < 0 ? errno : read_stream(fd, &bytes, &size);
  if (!error)
    error = decode_stream(bytes, size, &starter);
  if (error) {
    puts(strerror(error));
    return 1;
  }
  for (uint32_t i = 0; i < starter.count; i++) {
    const struct op *op = &starter.ops[i];
    const struct op_schema *schema = op_schema(op->code);
    printf("%s", schema->name);
    for (size_t f = 0; f < schema->count; f++) {
      printf(" %s=", schema->fields[f].name);
      print_field(schema->fields[f].kind, (const char *)&op->as + schema->fields[f].offset);
    }
    for (uint32_t f = 0; f < op->fault_count; f++) {
      printf(" %u:", op->faults[f].error);
      print_bytes(op->faults[f].text, strlen(op->faults[f].text));
    }
    printf(" #");
    print_bytes(op->note, strlen(op->note));
    puts("");
  }
  return 0;
}
