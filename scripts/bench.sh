#!/bin/sh
# Builds skiff and the small C programs of the bench, then measures: npm run bench -- --help
#   npm run bench -- breakdown    where each millisecond of a launch goes
set -eu
. "$(dirname -- "$0")/progress.sh"
case " $* " in *" --help "*) ;; *)
  sh scripts/build.sh
  mkdir -p build/bench
  for name in measure read-files feed record-ops serve; do
    musl-gcc -std=c11 -O2 -Wall -Wextra -Wshadow -Wformat=2 -Werror -static \
      "bench/$name.c" -o "build/bench/$name"
  done
  ;;
esac
if [ "${1:-}" = breakdown ]; then exec "$bun" bench/breakdown.ts; fi
exec "$bun" bench/main.ts "$@"
