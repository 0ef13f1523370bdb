/* Becomes the program: the first candidate that exists. */
#include "starter.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_SIZE = 256 };

static const char *search_path(const struct starter *starter)
{
  for (char **entry = starter->environment; *entry; entry++)
    if (strncmp(*entry, "PATH=", 5) == 0)
      return *entry + 5;
  return "/bin:/usr/bin";
}

/* Whether a shell would take the file for a script: no known binary, and text in its first line. */
static bool is_script(const char *path)
{
  char head[HEAD_SIZE];
  auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, head, sizeof head);
  if (length < 0)
    return false;
  if (length >= 4 && memcmp(head, "\177ELF", 4) == 0)
    return false;
  const char *end = memchr(head, '\n', (size_t)length);
  return !memchr(head, 0, end ? (size_t)(end - head) : (size_t)length);
}

static int exec_script(const struct starter *starter, const char *path, char **argv)
{
  size_t count = 0;
  while (argv[count])
    count++;
  auto_free char **words = calloc(count + 2, sizeof *words);
  if (!words)
    return ENOMEM;
  words[0] = (char *)"/bin/sh";
  words[1] = (char *)path;
  for (size_t i = 1; i < count; i++)
    words[i + 1] = argv[i];
  execve(words[0], words, starter->environment);
  return errno == ENOENT ? ELIBACC : errno;
}

/* Comes back only with the reason why not. */
static int exec_file(const struct starter *starter, const char *path, char **argv)
{
  struct stat found;
  execve(path, argv, starter->environment);
  int error = errno;
  if (stat(path, &found) < 0)
    return error;
  if (S_ISDIR(found.st_mode))
    return EISDIR;
  if (error == ENOENT)
    return ELIBACC;
  return error == ENOEXEC && is_script(path) ? exec_script(starter, path, argv) : error;
}

/* As a shell does: what may not be executed is passed over, and told if nothing else fits. */
static int search(const struct starter *starter, const char *name, char path[PATH_MAX])
{
  int error = ENOENT;
  const char *from = search_path(starter);
  for (size_t length;; from += length + 1) {
    struct stat found;
    length = strcspn(from, ":");
    int size = snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, from, length ? "/" : "", name);
    if (size > 0 && size < PATH_MAX && stat(path, &found) == 0) {
      if (S_ISREG(found.st_mode) && access(path, X_OK) == 0)
        return 0;
      error = EACCES;
    }
    if (!from[length])
      return error;
  }
}

/*
 * The path from the root on, without `.`, `..` and empty words, by the words alone: no link is looked
 * at. As it is where the working directory is not known.
 */
static char *full_path(char *path, char full[PATH_MAX])
{
  struct stat found;
  full[0] = full[1] = 0;
  if (path[0] != '/' && !getcwd(full, PATH_MAX))
    return path;
  if (strlen(full) + strlen(path) + 2 > PATH_MAX)
    return path;
  char *end = full[1] ? full + strlen(full) : full;
  for (const char *word = path; *word;) {
    size_t length = strcspn(word, "/");
    if (length == 2 && word[0] == '.' && word[1] == '.')
      while (end > full && *--end != '/')
        ;
    else if (length > 0 && !(length == 1 && word[0] == '.')) {
      *end++ = '/';
      memcpy(end, word, length);
      end += length;
    }
    word += length + (word[length] == '/');
  }
  *end = 0;
  /* Behind a link `..` may lead elsewhere. */
  return *full && stat(full, &found) == 0 ? full : path;
}

static int try_candidate(struct starter *starter, char **argv, const char *note, bool full_name)
{
  struct stat found;
  char path[PATH_MAX];
  char full[PATH_MAX];
  char *file = argv[0];
  if (!strchr(file, '/')) {
    int error = *file ? search(starter, file, path) : ENOENT;
    if (error)
      return error;
    file = path;
  }
  /* A path from the root on that was given is kept as it is. */
  if (full_name && (file == path || file[0] != '/'))
    file = argv[0] = full_path(file, full);
  if (file != path && stat(file, &found) < 0 && (errno == ENOENT || errno == ENOTDIR))
    return ENOENT;
  print_plain(note);
  return exec_file(starter, file, argv);
}

/* The number of words of a candidate; 0 for what is no number in range. */
static uint32_t word_count(const char *text, uint32_t left)
{
  char *end;
  unsigned long count = strtoul(text, &end, 10);
  return *end || count > left ? 0 : (uint32_t)count;
}

int op_exec(struct starter *starter, const struct op_exec *op)
{
  uint32_t start = 0;
  /* An instance without a program. */
  int error = starter->instance && starter->pending_init && op->counts.count == 0
                ? split_instance(starter, false)
                : split_init(starter);
  if (!error)
    error = rearm_tether(starter);
  if (error)
    return error;
  error = ENOENT;
  umask(starter->umask);
  for (uint32_t i = 0; i < op->counts.count && error == ENOENT; i++) {
    uint32_t count = word_count(op->counts.items[i], op->words.count - start);
    if (count == 0)
      return EINVAL;
    auto_free char **argv = calloc((size_t)count + 1, sizeof *argv);
    if (!argv)
      return ENOMEM;
    memcpy(argv, op->words.items + start, count * sizeof *argv);
    start += count;
    error = try_candidate(starter, argv, i < op->notes.count ? op->notes.items[i] : "",
                          op->full_name != 0);
  }
  return error;
}
