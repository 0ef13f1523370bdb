/* Everything the starter prints: texts of the stream, with what only the kernel knows filled in. */
#include "starter.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

struct line {
  size_t length;
  char text[16384];
};

static void append(struct line *line, const char *text)
{
  size_t length = strlen(text), room = sizeof line->text - 1 - line->length;
  if (length > room)
    length = room;
  memcpy(line->text + line->length, text, length);
  line->length += length;
}

/* One write for a whole line: many ranks print at once. Whoever read the messages may be gone, which ends no launch. */
static void flush(struct line *line)
{
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  if (sigaction(SIGPIPE, &ignore, &before) < 0)
    return;
  line->text[line->length++] = '\n';
  for (size_t at = 0; at < line->length;) {
    ssize_t done = write(STDERR_FILENO, line->text + at, line->length - at);
    if (done < 0 && errno != EINTR)
      break;
    if (done > 0)
      at += (size_t)done;
  }
  sigaction(SIGPIPE, &before, NULL);
}

/* The kernel's words as part of a sentence: "no such file", but "RPC ..." stays. */
static void append_reason(struct line *line, int error)
{
  const char *words = strerror(error);
  char first[2] = {words[0], 0};
  if (words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a' && words[1] <= 'z')
    first[0] = (char)(words[0] - 'A' + 'a');
  append(line, first);
  if (*words)
    append(line, words + 1);
}

/* %e: the kernel's words; %o: what a helper printed, else as %e; %%: a percent sign. */
static void expand(struct line *line, const char *text, int error, const char *output)
{
  for (const char *at = text; *at; at++) {
    char one[2] = {*at, 0};
    if (at[0] == '%' && (at[1] == 'e' || (at[1] == 'o' && !*output)))
      append_reason(line, error);
    else if (at[0] == '%' && at[1] == 'o')
      append(line, output);
    else {
      append(line, one);
      if (at[0] != '%' || at[1] != '%')
        continue;
    }
    at++;
  }
}

/* A text as it is; nothing for an empty one. */
void print_plain(const char *text)
{
  struct line line = {0};
  append(&line, text);
  if (*text)
    flush(&line);
}

void print_warning(const struct starter *starter, const char *text, int error)
{
  struct line line = {0};
  expand(&line, text, error, starter->output);
  if (*text)
    flush(&line);
}

/* A place for the words of a process that outlives us: bounded, and no pipe that someone must empty. */
int new_log(void)
{
  int log = memfd_create("log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (log >= 0 && (ftruncate(log, OUTPUT_MAX - 1) < 0 || fcntl(log, F_ADD_SEALS, F_SEAL_GROW) < 0)) {
    close(log);
    return -1;
  }
  return log;
}

/* The words in a log as one line. */
void take_output(struct starter *starter, int log)
{
  ssize_t length = log < 0 ? 0 : pread(log, starter->output, OUTPUT_MAX - 1, 0);
  starter->output[length < 0 ? 0 : length] = 0;
  size_t end = strlen(starter->output);
  while (end > 0 && starter->output[end - 1] == '\n')
    starter->output[--end] = 0;
  for (size_t i = 0; i < end; i++)
    if (starter->output[i] == '\n')
      starter->output[i] = ' ';
}

/* The op that is to blame: for a dead file server the one that started it. */
static const struct op *blamed(struct starter *starter, int error)
{
  const struct op *op = &starter->ops[starter->index];
  if ((error != ENOTCONN && error != ECONNABORTED) || starter->server_count == 0)
    return op;
  for (uint32_t i = 0; i < starter->server_count; i++) {
    op = &starter->ops[starter->servers[i].op];
    take_output(starter, starter->servers[i].log);
    if (*starter->output)
      break;
  }
  return op;
}

int report_failure(struct starter *starter, int error)
{
  const struct op *op = blamed(starter, error);
  const char *text = "%e";
  for (uint32_t i = op->fault_count; i-- > 0;)
    if (op->faults[i].error == 0)
      text = op->faults[i].text;
  for (uint32_t i = op->fault_count; i-- > 0;)
    if (op->faults[i].error == (uint32_t)error)
      text = op->faults[i].text;
  struct line line = {0};
  append(&line, starter->prefix);
  expand(&line, text, error, starter->output);
  flush(&line);
  return FAILED;
}
