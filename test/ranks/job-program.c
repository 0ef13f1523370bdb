/*
 * A program of a job: rank 0 prints how many ranks there are, the sum of their numbers, how many pairs
 * read each other's memory by one system call, and in how many mount namespaces they stand. With a
 * word, the ranks stay so many seconds.
 */
#define _GNU_SOURCE
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct member {
  long pid, mounts;
  char *text;
};

static char text[] = "read me";

static int reads(const struct member *other)
{
  char copy[sizeof text] = "";
  struct iovec here = {copy, sizeof copy}, there = {other->text, sizeof copy};
  return process_vm_readv((pid_t)other->pid, &here, 1, &there, 1, 0) == (ssize_t)sizeof copy &&
         strcmp(copy, text) == 0;
}

int main(int argc, char **argv)
{
  struct stat space;
  int rank, size, done = 0, all_done = 0, sum = 0, spaces = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  stat("/proc/self/ns/mnt", &space);
  struct member own = {getpid(), (long)space.st_ino, text};
  struct member *all = calloc((size_t)size, sizeof own);
  MPI_Allgather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, MPI_COMM_WORLD);
  for (int i = 0; i < size; i++) {
    int known = 0;
    done += reads(&all[i]);
    for (int before = 0; before < i; before++)
      known |= all[before].mounts == all[i].mounts;
    spaces += !known;
  }
  MPI_Allreduce(&done, &all_done, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (rank == 0)
    printf("%d ranks, sum %d, %d reads, %d containers\n", size, sum, all_done, spaces);
  fflush(stdout);
  if (argc > 1)
    sleep((unsigned)atoi(argv[1]));
  free(all);
  MPI_Finalize();
  return 0;
}
