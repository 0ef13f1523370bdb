/* Overlay mounts: the option text, and what older kernels do not know of it. */
#include "starter.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* mount(2) takes one page. */
struct options {
  size_t length;
  char text[4096];
};

static bool append(struct options *options, const char *text, size_t length)
{
  if (length >= sizeof options->text - options->length)
    return false;
  memcpy(options->text + options->length, text, length);
  options->length += length;
  options->text[options->length] = 0;
  return true;
}

static bool append_path(struct options *options, const char *path)
{
  for (; *path; path++)
    if ((strchr(":,\\", *path) && !append(options, "\\", 1)) || !append(options, path, 1))
      return false;
  return true;
}

static bool append_word(struct options *options, const char *word)
{
  return append(options, word, strlen(word));
}

/* `data` without the option `word`; false when it is not there. */
static bool append_without(struct options *options, const char *data, const char *word)
{
  bool found = false;
  for (size_t length; *data; data += length + (data[length] == ',')) {
    length = strcspn(data, ",");
    if (length == strlen(word) && strncmp(data, word, length) == 0)
      found = true;
    else if (!append(options, ",", 1) || !append(options, data, length))
      return false;
  }
  return found;
}

static bool append_layers(struct options *options, const struct op_overlay *op)
{
  for (uint32_t i = 0; i < op->lower.count; i++)
    if (!append_word(options, i == 0 ? "lowerdir=" : ":") ||
        !append_path(options, op->lower.items[i]))
      return false;
  return !*op->upper ||
         (append_word(options, ",upperdir=") && append_path(options, op->upper) &&
          append_word(options, ",workdir=") && append_path(options, op->work));
}

/*
 * The kernel copies owner and mode of the topmost layer's root when it mounts, and those of a FUSE
 * mount whose server was not asked yet are nobody's and 0: so that one is asked, and waited for.
 */
static int know_top(struct starter *starter, const struct op_overlay *op)
{
  const char *path = *op->upper ? op->upper : op->lower.count > 0 ? op->lower.items[0] : "/";
  auto_fd top = resolve(starter, "", path);
  struct stat stat;
  if (top < 0)
    return -top;
  return fstat(top, &stat) < 0 ? errno : 0;
}

/*
 * The kernel makes a directory of mode 0 in the working one, and leaves it: who owns the overlay could
 * neither search nor remove it by the usual means.
 */
static void open_leftover(struct starter *starter, const struct op_overlay *op)
{
  auto_fd work = resolve(starter, "", op->work);
  if (work < 0)
    return;
  auto_fd inner = openat(work, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (inner >= 0)
    (void)fchmod(inner, 0700);
}

static int mount_overlay(struct starter *starter, const struct op_overlay *op)
{
  int unknown = know_top(starter, op);
  if (unknown != 0)
    return unknown;
  auto_fd target = resolve(starter, "", op->target);
  if (target < 0)
    return -target;
  struct options options = {0};
  if (!append_layers(&options, op))
    return E2BIG;
  size_t layers = options.length;
  if (*op->data && (!append_word(&options, ",") || !append_word(&options, op->data)))
    return E2BIG;
  int error = mount_at(starter, target, "overlay", "overlay", op->flags, options.text);
  if (error != EINVAL)
    return error;
  options.length = layers;
  options.text[layers] = 0;
  /* Before 5.11, and as patched by some distributions, user namespaces go without the word. */
  if (!append_without(&options, op->data, "userxattr"))
    return error;
  return mount_at(starter, target, "overlay", "overlay", op->flags, options.text);
}

int op_overlay(struct starter *starter, const struct op_overlay *op)
{
  int error = mount_overlay(starter, op);
  if (!error && *op->upper)
    open_leftover(starter, op);
  return error;
}
