/* Whether paths still give the answers that they gave when the launch was planned. */
#include "launcher.h"
#include "kernel.h"
#include "text.h"

#include <linux/fcntl.h>
#include <linux/stat.h>

/* Layout and meaning: src/runtime/replay/record.ts, stampPath in src/host/path-stamp.ts. */
enum { STAT_WORDS = 14, STAMP_WORDS = 1 + 2 * STAT_WORDS, CONTENT = 1, ASKED = 2, WRITABLE = 4, W_OK = 2 };

/* Whether it is a link; one leads elsewhere only as another object, which may have got the inode's number. */
static bool stat_words(const char *path, unsigned flags, bool content, uint32_t *words)
{
  struct statx is;
  bool found = call(statx, AT_FDCWD, path, flags, STATX_BASIC_STATS, &is) == 0;
  bool link = found && (is.stx_mode & 0170000) == 0120000;
  for (int i = 0; i < STAT_WORDS; i++)
    words[i] = 0;
  if (!found)
    return false;
  uint32_t *at = words;
  *at++ = 1;
  *at++ = is.stx_mode;
  *at++ = is.stx_uid;
  *at++ = is.stx_gid;
  *at++ = (uint32_t)is.stx_ino;
  *at++ = (uint32_t)(is.stx_ino >> 32);
  *at++ = is.stx_dev_major;
  *at++ = is.stx_dev_minor;
  if (content || link) {
    *at++ = (uint32_t)is.stx_size;
    *at++ = (uint32_t)(is.stx_size >> 32);
    *at++ = (uint32_t)is.stx_mtime.tv_sec;
    *at++ = is.stx_mtime.tv_nsec;
    *at++ = (uint32_t)is.stx_ctime.tv_sec;
    *at++ = is.stx_ctime.tv_nsec;
  }
  return link;
}

static bool holds(const char *path, const uint32_t *stamp)
{
  uint32_t now[STAT_WORDS];
  bool content = stamp[0] & CONTENT;
  bool link = stat_words(path, AT_SYMLINK_NOFOLLOW, content, now);
  if (!same_bytes(now, stamp + 1, sizeof now))
    return false;
  if (stamp[0] & ASKED && (call(faccessat, AT_FDCWD, path, W_OK) == 0) != !!(stamp[0] & WRITABLE))
    return false;
  if (!link)
    return true;
  stat_words(path, 0, content, now);
  return same_bytes(now, stamp + 1 + STAT_WORDS, sizeof now);
}

bool stamps_hold(const struct record *record)
{
  const char *path = record->paths;
  for (uint32_t i = 0; i < record->stamp_count; i++) {
    if (!holds(path, record->stamps + (size_t)i * STAMP_WORDS))
      return false;
    path += length_of(path) + 1;
  }
  return true;
}
