/* The few functions on bytes that there is no libc for. */
#ifndef LAUNCHER_TEXT_H
#define LAUNCHER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t length_of(const char *text)
{
  size_t length = 0;
  while (text[length])
    length++;
  return length;
}

static inline bool same_bytes(const void *a, const void *b, size_t size)
{
  const char *left = a, *right = b;
  for (size_t i = 0; i < size; i++)
    if (left[i] != right[i])
      return false;
  return true;
}

/* Whether `text` begins with all of `start`. */
static inline bool begins(const char *text, const char *start)
{
  while (*start)
    if (*text++ != *start++)
      return false;
  return true;
}

static inline bool same_text(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

/* Bytes before the first `=`; the whole length when there is none. */
static inline size_t name_length(const char *entry)
{
  size_t length = 0;
  while (entry[length] && entry[length] != '=')
    length++;
  return length;
}

/* Whether the names of two entries, up to `=` or the end, are the same. */
static inline bool same_name(const char *a, const char *b)
{
  while (*a && *a != '=' && *a == *b)
    a++, b++;
  return (!*a || *a == '=') && (!*b || *b == '=');
}

#endif
