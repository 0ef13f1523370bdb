/*
 * read-memory COUNT DIR: COUNT processes started apart, which meet by files in DIR, read each other's
 * memory by process_vm_readv(2), as MPI libraries do for messages of one copy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

static char message[32];

static int wait_for(const char *path, int *pid, void **address)
{
  for (int tries = 0; tries < 2000; tries++) {
    FILE *file = fopen(path, "r");
    int fields = file ? fscanf(file, "%d %p", pid, address) : 0;
    if (file)
      fclose(file);
    if (fields == 2)
      return 0;
    usleep(5000);
  }
  return -1;
}

int main(int argc, char **argv)
{
  char path[4096], temporary[4200];
  int count = argc > 2 ? atoi(argv[1]) : 0;
  const char *rank = getenv("SLURM_PROCID");
  if (count < 2 || !rank)
    return 2;
  /* Where the Yama module is at work only this makes the test one of namespaces. */
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  snprintf(message, sizeof message, "rank %s", rank);
  snprintf(path, sizeof path, "%s/%s", argv[2], rank);
  snprintf(temporary, sizeof temporary, "%s.new", path);
  FILE *own = fopen(temporary, "w");
  if (!own || fprintf(own, "%d %p\n", getpid(), (void *)message) < 0 || fclose(own) ||
      rename(temporary, path) < 0)
    return 3;
  int read_all = 0;
  for (int other = 0; other < count; other++) {
    int pid;
    void *address;
    char copy[32] = "", wanted[32];
    snprintf(path, sizeof path, "%s/%d", argv[2], other);
    snprintf(wanted, sizeof wanted, "rank %d", other);
    if (wait_for(path, &pid, &address) < 0)
      return 4;
    struct iovec to = {copy, sizeof copy}, from = {address, sizeof copy};
    if (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0) {
      printf("%s\n", strerror(errno));
      break;
    }
    read_all += strcmp(copy, wanted) == 0;
  }
  snprintf(path, sizeof path, "%s/%s.done", argv[2], rank);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  /* Nobody leaves while another may still read. */
  for (int other = 0; other < count; other++) {
    snprintf(path, sizeof path, "%s/%d.done", argv[2], other);
    for (int tries = 0; access(path, F_OK) < 0 && tries < 2000; tries++)
      usleep(5000);
  }
  printf("read %d of %d\n", read_all, count);
  return read_all == count ? 0 : 1;
}
