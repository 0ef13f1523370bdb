// Stands in for the starter and, instead of carrying its operations out, saves them beside itself:
//   record-ops FD     writes what the descriptor holds to <own path>.ops, the environment to <own path>.env
// Installed as libexec/skiff/starter next to a copy of skiff, it makes that copy write down a launch.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static char buffer[1 << 16];

static int create(const char *own, const char *suffix) {
  char path[4200];
  snprintf(path, sizeof path, "%s%s", own, suffix);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) perror(path);
  return fd;
}

int main(int argc, char **argv) {
  char own[4096];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (argc != 2 || length < 0) return 2;
  own[length] = 0;
  int from = atoi(argv[1]), ops = create(own, ".ops"), env = create(own, ".env");
  if (ops < 0 || env < 0) return 2;
  off_t at = 0;
  for (ssize_t got; (got = pread(from, buffer, sizeof buffer, at)) > 0; at += got)
    if (write(ops, buffer, (size_t)got) != got) return 2;
  for (char **entry = environ; *entry; entry++)
    if (write(env, *entry, strlen(*entry) + 1) < 0) return 2;
  return at > 0 ? 0 : 2;
}
