/*
 * A launch of an image by its address: that of the image's path, which is known as well, once the
 * image's registry has said that the address still means it. What takes more than plain HTTP is asked by
 * Bun (src/_ask.ts): a child of this process becomes Bun with the question for its first word, and its
 * status is the answer.
 */
#include "launcher.h"
#include "kernel.h"
#include "text.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/wait.h>

enum { STDERR = 2, KILLED = 9 };
enum { BUN = 1, PLAINLY = 2 };

/* The same words with the image's path in the place of its address. */
bool by_path(const struct call *call, const struct record *record, struct arena *arena, struct call *again)
{
  if (record->image_words >= (uint32_t)call->argc)
    return false;
  *again = *call;
  again->argv = take(arena, ((size_t)call->argc + 1) * sizeof *again->argv);
  if (!again->argv)
    return false;
  for (int i = 0; i <= call->argc; i++)
    again->argv[i] = call->argv[i];
  again->argv[(uint32_t)call->argc - record->image_words] = (char *)record->target;
  return true;
}

/* Nobody reads what the child would say, and it must not take part in what the terminal is used for. */
static void quieten(void)
{
  call(prctl, PR_SET_PDEATHSIG, KILLED);
  long fd = call(openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
  for (int to = 0; fd >= 0 && to <= STDERR; to++)
    if (fd != to)
      call(dup3, fd, to, 0);
}

/* Whoever read the messages may be gone: nobody misses them then. */
static void say(const struct strings *lines)
{
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } ignore = {(void *)SIG_IGN, 0, NULL, 0}, before = {0};
  call(rt_sigaction, SIGPIPE, &ignore, &before, sizeof ignore.mask);
  const char *line = lines->first;
  for (uint32_t i = 0; i < lines->count; i++) {
    size_t length = length_of(line);
    call(write, STDERR, line, length);
    line += length + 1;
  }
  call(rt_sigaction, SIGPIPE, &before, NULL, sizeof ignore.mask);
}

/* No signal at its end: a caller that ignores SIGCHLD would make the status vanish. */
static bool ask_by_bun(const struct record *record, const struct call *call)
{
  long pid = call(clone, 0);
  if (pid == 0) {
    quieten();
    call->argv[1] = (char *)record->ops;
    return false;
  }
  int status = -1;
  while (pid > 0 && call(wait4, pid, &status, __WALL, NULL) == -EINTR)
    ;
  return status == 0;
}

static bool ask(const struct record *record, const struct call *call)
{
  const char *question = record->ops;
  size_t size = record->ops_bytes;
  if (question[size - 1])
    return false;
  if (*question == BUN)
    return ask_by_bun(record, call);
  return *question == PLAINLY && ask_plainly(question + 1, size - 1);
}

/* Whether the image may be started; false also in the child, which goes on as Bun. */
bool still_means(const struct record *record, const struct call *call)
{
  if (record->ops_bytes > 0 && !ask(record, call))
    return false;
  say(&record->said);
  return true;
}
