// feed BASE PROGRAM: becomes the program with the saved operations BASE.ops as descriptor 3 (its only
// argument is "3") and the saved environment BASE.env, as skiff starts the starter (see record-ops.c).
// Alone it does nothing: the least that a process costs.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 17];
static char *entries[4096];

static int open_saved(const char *base, const char *suffix, int flags) {
  char path[4200];
  snprintf(path, sizeof path, "%s%s", base, suffix);
  int fd = open(path, O_RDONLY | flags);
  if (fd < 0) perror(path);
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 3) return argc > 1 ? 2 : 0;
  int ops = open_saved(argv[1], ".ops", 0);
  int env = open_saved(argv[1], ".env", O_CLOEXEC);
  if (ops < 0 || env < 0) return 2;
  ssize_t length = read(env, text, sizeof text - 1);
  size_t count = 0;
  for (char *at = text; at < text + length && count < 4095; at += strlen(at) + 1) entries[count++] = at;
  if (ops != 3) {
    close(env);
    if (dup2(ops, 3) < 0) return 2;
    close(ops);
  }
  char *words[] = {(char *)"skiff-starter", (char *)"3", NULL};
  execve(argv[2], words, entries);
  perror(argv[2]);
  return 2;
}
