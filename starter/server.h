/* A file server between its two processes: see fuse.c. */
#ifndef SERVER_H
#define SERVER_H

#include "starter.h"

struct server_pipes {
  int fuse;     /* /dev/fuse; -1: the server mounts itself */
  int log;      /* what the server prints */
  int go[2];    /* a byte: mounted; the end: the starter gave up */
  int lock;     /* the image; -1: not locked */
  int alive[2]; /* the end: the server is gone; only when it mounts itself */
};

/* Runs in a mount namespace of its own and becomes the parent of the server. */
_Noreturn void start_server(const struct starter *starter, const struct op_fuse *op,
                            struct server_pipes *pipes);

#endif
