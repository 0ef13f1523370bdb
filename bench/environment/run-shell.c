/*
 * Times how long a shell takes to make an environment: fork, chroot, exec, read descriptor 3 to its
 * end, wait. Prints the median and the quickest of N rounds, in microseconds.
 *
 *   run-shell ROUNDS ROOT WORDS PROGRAM
 *
 * ROOT: directory to chroot into. WORDS: file of NUL-ended words, "argument count, arguments,
 * environment". PROGRAM: path inside ROOT, or "fd:PATH" for a file of this side, copied to a memfd.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *words[4096];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int rounds = atoi(argv[1]);
  static char text[1 << 20];
  int fd = open(argv[3], O_RDONLY);
  ssize_t size = read(fd, text, sizeof text - 1);
  if (rounds < 1 || size <= 0) return 2;
  int count = 0;
  for (char *at = text; at < text + size && count < 4000; at += strlen(at) + 1) words[count++] = at;
  int arguments = atoi(words[0]);
  char **args = words + 1;
  static char *envp[1024];
  for (int i = 0; i + arguments + 1 < count; i++) envp[i] = words[1 + arguments + i];
  static char *argp[3000];
  for (int i = 0; i < arguments; i++) argp[i] = args[i];

  int program = -1;
  if (strncmp(argv[4], "fd:", 3) == 0) {
    int file = open(argv[4] + 3, O_RDONLY);
    program = memfd_create("shell", MFD_CLOEXEC);
    char block[65536];
    for (ssize_t got; (got = read(file, block, sizeof block)) > 0;)
      if (write(program, block, (size_t)got) != got) return 2;
  }
  double *times = calloc((size_t)rounds, sizeof *times);
  for (int round = 0; round < rounds; round++) {
    int ends[2];
    if (pipe(ends) != 0) return 2;
    double start = now();
    pid_t child = fork();
    if (child == 0) {
      dup2(ends[1], 3);
      if (chroot(argv[2]) != 0 || chdir("/") != 0) _exit(120);
      if (program >= 0) fexecve(program, argp, envp);
      else execve(argv[4], argp, envp);
      _exit(121);
    }
    close(ends[1]);
    char block[65536];
    size_t total = 0;
    for (ssize_t got; (got = read(ends[0], block, sizeof block)) > 0;) total += (size_t)got;
    int status;
    waitpid(child, &status, 0);
    times[round] = now() - start;
    close(ends[0]);
    if (status != 0) return 3;
  }
  qsort(times, (size_t)rounds, sizeof *times, compare);
  printf("%.0f %.0f\n", times[rounds / 2], times[0]);
  return 0;
}
