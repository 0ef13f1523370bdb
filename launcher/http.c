/*
 * One HEAD request by plain HTTP to an IPv4 address (RFC 9112), as src/runtime/replay/question.ts
 * writes it down: whether the answer is 200 and names a digest. A name to resolve or TLS take more than is here.
 */
#include "launcher.h"
#include "kernel.h"
#include "text.h"

#include <linux/in.h>
#include <linux/socket.h>
#include <linux/time.h>

enum { INTERNET = 2, STREAM = 1, CLOSE_ON_EXEC = 02000000, NO_SIGNAL = 0x4000, SOCKET_LEVEL = 1, RECEIVE_TIMEOUT = 20, SEND_TIMEOUT = 21 };
enum { LONGEST_SECONDS = 10, ANSWER_BYTES = 16384, STATUS_AT = 9 };

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Whether a line begins with all of `start`, which is in lower case, in whatever case it is. */
static bool begins_like(const char *line, const char *start)
{
  while (*start)
    if (lower(*line++) != *start++)
      return false;
  return true;
}

/* Whether the head of an answer says 200 and has the digest in its header. */
static bool names(const char *answer, const char *digest)
{
  static const char header[] = "docker-content-digest:";
  if (!begins(answer, "HTTP/1.") || !begins(answer + STATUS_AT, "200"))
    return false;
  for (const char *at = answer; *at; at++)
    if (*at == '\n' && begins_like(at + 1, header)) {
      const char *value = at + 1 + sizeof header - 1;
      while (*value == ' ' || *value == '\t')
        value++;
      size_t length = length_of(digest);
      return begins(value, digest) && (value[length] == '\r' || value[length] == '\n');
    }
  return false;
}

static bool is_whole(const char *answer, size_t size)
{
  return size >= 4 && same_bytes(answer + size - 4, "\r\n\r\n", 4);
}

static long long seconds(void)
{
  struct __kernel_timespec now = {0, 0};
  call(clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

/* Connects, sends and receives on `fd`; a server that answers byte by byte has no longer than another. */
static bool exchange(int fd, const char *address, const char *request, const char *digest)
{
  char answer[ANSWER_BYTES];
  size_t size = 0, length = length_of(request);
  const long long end = seconds() + LONGEST_SECONDS;
  const struct __kernel_old_timeval limit = {LONGEST_SECONDS, 0};
  call(setsockopt, fd, SOCKET_LEVEL, RECEIVE_TIMEOUT, &limit, sizeof limit);
  call(setsockopt, fd, SOCKET_LEVEL, SEND_TIMEOUT, &limit, sizeof limit);
  if (call(connect, fd, address, sizeof(struct sockaddr_in)) < 0 ||
      call(sendto, fd, request, length, NO_SIGNAL, NULL, 0) != (long)length)
    return false;
  while (size < sizeof answer - 1 && !is_whole(answer, size)) {
    long got = call(read, fd, answer + size, sizeof answer - 1 - size);
    if (got <= 0 || seconds() > end)
      return false;
    size += (size_t)got;
  }
  answer[size] = 0;
  return names(answer, digest);
}

bool ask_plainly(const char *question, size_t size)
{
  const char *request = question + sizeof(struct sockaddr_in);
  if (size < sizeof(struct sockaddr_in) || length_of(request) + 1 >= size - sizeof(struct sockaddr_in))
    return false;
  int fd = (int)call(socket, INTERNET, STREAM | CLOSE_ON_EXEC, 0);
  if (fd < 0)
    return false;
  bool same = exchange(fd, question, request, request + length_of(request) + 1);
  call(close, fd);
  return same;
}
