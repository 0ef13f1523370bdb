// A server as small as can be: answers every connection to 127.0.0.1:PORT with one line.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1, server = socket(AF_INET, SOCK_STREAM, 0);
  if (argc != 2) return 2;
  at.sin_port = htons((unsigned short)atoi(argv[1]));
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(server, (struct sockaddr *)&at, sizeof at) < 0 || listen(server, 64) < 0) {
    perror("serve");
    return 1;
  }
  for (;;) {
    int client = accept(server, NULL, NULL);
    if (client >= 0 && write(client, "served\n", 7) == 7) close(client);
  }
}
