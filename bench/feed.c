// feed FILE PROGRAM ARGUMENT…: becomes the program with FILE open as descriptor 3, as a starter is given
// its operations. Alone it does nothing: the least that a process costs.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return argc > 1 ? 2 : 0;
  int fd = open(argv[1], O_RDONLY);
  if (fd < 0 || (fd != 3 && dup2(fd, 3) < 0)) {
    perror(argv[1]);
    return 2;
  }
  if (fd != 3) close(fd);
  execv(argv[2], argv + 2);
  perror(argv[2]);
  return 2;
}
