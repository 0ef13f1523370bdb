/* Reads a record (layout: src/runtime/replay/record.ts). One that is not whole is as good as none. */
#include "launcher.h"
#include "kernel.h"
#include "text.h"

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time.h>

enum {
  MAGIC = 0x50524b53, /* "SKRP" */
  VERSION = 6,
  STAMP_WORDS = 29,
  CHECKED_FROM = 4, /* words before it are not part of the checksum */
  LIMIT = 1 << 19,
  HOLDS_MS = 12 * 3600 * 1000, /* as in src/runtime/replay/remember.ts */
};

struct head {
  uint32_t magic, version, checksum[2], size, expires_low, expires_high, stamp_count;
  uint32_t pass_all, image_words, pass, dropped, fixed, replaced, said, text_bytes, ops_bytes;
};

static size_t padded(uint32_t size)
{
  return ((size_t)size + 3) & ~(size_t)3;
}

static bool is_own(long fd, struct statx *is)
{
  return call(statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, is) == 0 &&
         is->stx_uid == (uint32_t)call(getuid);
}

/* Whoever may write to the directory could give one record the name of another. */
static long open_directory(const struct note *note)
{
  struct statx is;
  long fd = call(openat, AT_FDCWD, record_dir(note), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || (is_own(fd, &is) && !(is.stx_mode & 022)))
    return fd;
  call(close, fd);
  return -1;
}

/* Only a file of the caller's own, closed to others, is taken. */
static long open_record(const struct note *note, uint32_t *size)
{
  char name[NAME_BYTES + 1];
  struct statx is;
  long dir = open_directory(note);
  if (dir < 0)
    return -1;
  for (size_t i = 0; i < NAME_BYTES; i++)
    name[i] = note->name[i];
  name[NAME_BYTES] = 0;
  long fd = call(openat, dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  call(close, dir);
  if (fd < 0)
    return -1;
  if (is_own(fd, &is) && is.stx_mode == (S_IFREG | 0600) &&
      is.stx_size >= sizeof(struct head) && is.stx_size <= LIMIT && is.stx_size % 4 == 0) {
    *size = (uint32_t)is.stx_size;
    return fd;
  }
  call(close, fd);
  return -1;
}

static void *read_whole(const struct note *note, struct arena *arena, uint32_t *size)
{
  long fd = open_record(note, size);
  if (fd < 0)
    return NULL;
  void *bytes = take(arena, *size);
  long got = bytes ? call(read, fd, bytes, *size) : 0;
  call(close, fd);
  return got == (long)*size ? bytes : NULL;
}

static bool is_whole(const struct head *head, uint32_t size)
{
  const uint32_t *words = (const uint32_t *)head;
  uint32_t a = 0x811c9dc5, b = 0x9747b28c;
  if (head->magic != MAGIC || head->version != VERSION || head->size != size)
    return false;
  for (uint32_t i = CHECKED_FROM; i < size / 4; i++) {
    a = (a ^ words[i]) * 0x01000193;
    b = ((b << 5 | b >> 27) + words[i]) * 0x85ebca6b;
  }
  return a == head->checksum[0] && b == head->checksum[1];
}

static uint64_t now_ms(void)
{
  struct __kernel_timespec now = {0, 0};
  call(clock_gettime, CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *skip(const char *text, uint32_t count)
{
  while (count-- > 0)
    text += length_of(text) + 1;
  return text;
}

/* Whether the texts are as many as the head says, the last one ended. */
static bool texts_fit(const struct head *head, const char *texts)
{
  uint64_t count = 0;
  for (uint32_t i = 0; i < head->text_bytes; i++)
    count += !texts[i];
  return head->text_bytes > 0 && !texts[head->text_bytes - 1] &&
         count == (uint64_t)head->stamp_count + 1 + head->pass + head->dropped + head->fixed +
                    head->replaced + head->said;
}

static struct strings take_strings(const char **texts, uint32_t count)
{
  struct strings strings = {count, *texts};
  *texts = skip(*texts, count);
  return strings;
}

bool read_record(const struct note *note, struct arena *arena, struct record *record)
{
  uint32_t size;
  const struct head *head = read_whole(note, arena, &size);
  if (!head || !is_whole(head, size))
    return false;
  size_t stamps = (size_t)head->stamp_count * STAMP_WORDS * 4;
  if (head->stamp_count > LIMIT || head->text_bytes > LIMIT ||
      head->ops_bytes > LIMIT ||
      sizeof *head + stamps + padded(head->text_bytes) + padded(head->ops_bytes) != size)
    return false;
  const char *texts = (const char *)(head + 1) + stamps;
  if (!texts_fit(head, texts))
    return false;
  *record = (struct record){
    .expires_ms = (uint64_t)head->expires_high << 32 | head->expires_low,
    .stamp_count = head->stamp_count,
    .stamps = (const uint32_t *)(head + 1),
    .pass_all = head->pass_all,
    .image_words = head->image_words,
    .ops = texts + padded(head->text_bytes),
    .ops_bytes = head->ops_bytes,
  };
  record->target = texts;
  texts = skip(texts, 1);
  record->paths = texts;
  texts = skip(texts, head->stamp_count);
  record->pass = take_strings(&texts, head->pass);
  record->dropped = take_strings(&texts, head->dropped);
  record->fixed = take_strings(&texts, head->fixed);
  record->replaced = take_strings(&texts, head->replaced);
  record->said = take_strings(&texts, head->said);
  /* None holds longer than that: one that claims to was written when the clock was ahead. */
  uint64_t now = now_ms();
  return now <= record->expires_ms && record->expires_ms - now <= HOLDS_MS;
}
