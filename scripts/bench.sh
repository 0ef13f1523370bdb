#!/bin/sh
# Builds skiff and the two small C programs of the bench, then measures: npm run bench -- --help
set -eu
. "$(dirname -- "$0")/progress.sh"
case " $* " in *" --help "*) ;; *)
  sh scripts/build.sh
  mkdir -p build/bench
  for name in measure read-files; do
    musl-gcc -std=c11 -O2 -Wall -Wextra -Wshadow -Wformat=2 -Werror -static \
      "bench/$name.c" -o "build/bench/$name"
  done
  ;;
esac
exec "$bun" bench/main.ts "$@"
