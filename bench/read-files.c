// Reads like programs read, inside a container:
//   read-files sequential FILE    from begin to end, 1 MiB at a time
//   read-files random FILE COUNT  COUNT blocks of 4 KiB at places spread by a fixed generator
//   read-files small DIRECTORY    every file below it, each opened, read and closed
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char buffer[1 << 20];
static int64_t total;

static int fail(const char *path) {
  perror(path);
  return 1;
}

static int read_whole(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(path);
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) total += got;
  close(fd);
  return got < 0 ? fail(path) : 0;
}

static int read_random(const char *path, long count) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) return fail(path);
  uint64_t blocks = (uint64_t)info.st_size / 4096, state = 88172645463325252u;
  for (long i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    if (pread(fd, buffer, 4096, (off_t)(state % blocks) * 4096) != 4096) return fail(path);
    total += 4096;
  }
  close(fd);
  return 0;
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  (void)info;
  (void)walk;
  return kind == FTW_F ? read_whole(path) : 0;
}

int main(int argc, char **argv) {
  int status = 2;
  if (argc == 3 && strcmp(argv[1], "sequential") == 0) status = read_whole(argv[2]);
  else if (argc == 4 && strcmp(argv[1], "random") == 0) status = read_random(argv[2], atol(argv[3]));
  else if (argc == 3 && strcmp(argv[1], "small") == 0) status = nftw(argv[2], visit, 32, FTW_PHYS);
  if (status == 0 && total == 0) status = 1;
  return status;
}
