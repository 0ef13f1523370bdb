// Runs programs again and again and tells what each run cost, with as little of its own as possible.
//   measure ROUNDS WARMUP JOBS PROGRAM ARGUMENT… [--- PROGRAM ARGUMENT…]…
// Every round runs each contender once (JOBS copies at the same time), beginning with another one each
// time, so that a disturbance of the machine meets all alike. One line per run, fields by tabs:
//   contender round wall_ns main_cpu_us all_cpu_us peak_kb linger_us left
// main: the program and the children it waited for; all: also what it left running (a FUSE server),
// which this process adopts and waits for, linger_us long; left: how many it had to kill for not ending.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONTENDERS = 64, MAX_JOBS = 1024, LINGER_LIMIT_S = 10 };

struct cost {
  int64_t wall_ns, main_cpu_us, all_cpu_us, peak_kb, linger_us;
  int left, failed;
};

extern char **environ;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t cpu_us(const struct rusage *use) {
  return ((int64_t)use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1000000 + use->ru_utime.tv_usec +
         use->ru_stime.tv_usec;
}

static void on_alarm(int number) { (void)number; }

static pid_t start(char **argv, int quiet) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  if (quiet) {
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&files, 2, 1);
  }
  pid_t pid;
  int error = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error) {
    fprintf(stderr, "measure: cannot start %s: %s\n", argv[0], strerror(error));
    exit(2);
  }
  return pid;
}

static int is_main(const pid_t *pids, int jobs, pid_t pid) {
  for (int i = 0; i < jobs; i++)
    if (pids[i] == pid) return 1;
  return 0;
}

// Adopted children that do not end by themselves: found by their parent in /proc, since only they remain.
static int kill_rest(void) {
  char path[64], line[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  int killed = 0;
  FILE *list = fopen(path, "re");
  if (!list) return -1;
  while (fscanf(list, "%63s", line) == 1) {
    kill((pid_t)atoi(line), SIGKILL);
    killed++;
  }
  fclose(list);
  return killed;
}

static struct cost run_once(char **argv, int jobs, int quiet) {
  static pid_t pids[MAX_JOBS];
  struct cost cost = {0};
  int64_t begin = now_ns();
  for (int i = 0; i < jobs; i++) pids[i] = start(argv, quiet);
  int mains = jobs;
  int64_t end = begin;
  for (;;) {
    struct rusage use;
    int status;
    pid_t pid = wait4(-1, &status, 0, &use);
    if (pid < 0 && errno == EINTR) {
      cost.left += kill_rest();
      alarm(LINGER_LIMIT_S);
      continue;
    }
    if (pid < 0) break;
    cost.all_cpu_us += cpu_us(&use);
    if (!is_main(pids, jobs, pid)) continue;
    if (use.ru_maxrss > cost.peak_kb) cost.peak_kb = use.ru_maxrss;
    cost.main_cpu_us += cpu_us(&use);
    if (status != 0) cost.failed++;
    if (--mains == 0) {
      end = now_ns();
      alarm(LINGER_LIMIT_S);
    }
  }
  alarm(0);
  cost.wall_ns = end - begin;
  cost.linger_us = (now_ns() - end) / 1000;
  return cost;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: measure ROUNDS WARMUP JOBS PROGRAM ARGUMENT... [--- PROGRAM ...]...\n");
    return 2;
  }
  int rounds = atoi(argv[1]), warmup = atoi(argv[2]), jobs = atoi(argv[3]);
  char **contenders[MAX_CONTENDERS] = {argv + 4};
  int count = 1;
  for (int i = 4; i < argc; i++) {
    if (strcmp(argv[i], "---") != 0) continue;
    argv[i] = NULL;
    if (count == MAX_CONTENDERS || !argv[i + 1]) return 2;
    contenders[count++] = argv + i + 1;
  }
  if (jobs < 1 || jobs > MAX_JOBS) return 2;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  struct sigaction alarm_action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &alarm_action, NULL);

  for (int i = 0; i < count; i++) {
    for (int w = 0; w < warmup; w++) {
      if (run_once(contenders[i], jobs, 1).failed == 0) continue;
      printf("failed\t%d\n", i);
      fflush(stdout);
      run_once(contenders[i], 1, 0);
      return 1;
    }
  }
  for (int round = 0; round < rounds; round++) {
    for (int k = 0; k < count; k++) {
      int i = (round + k) % count;
      struct cost c = run_once(contenders[i], jobs, 1);
      if (c.failed) {
        printf("failed\t%d\n", i);
        return 1;
      }
      printf("%d\t%d\t%lld\t%lld\t%lld\t%lld\t%lld\t%d\n", i, round, (long long)c.wall_ns,
             (long long)c.main_cpu_us, (long long)c.all_cpu_us, (long long)c.peak_kb,
             (long long)c.linger_us, c.left);
      fflush(stdout);
    }
  }
  return 0;
}
