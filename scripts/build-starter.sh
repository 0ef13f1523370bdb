#!/bin/sh
# Compiles the starter: scripts/build-starter.sh [--sanitize | --dump] OUT
#   (nothing)   static, small, as it is shipped; musl-gcc where it is installed starts a little faster
#   --sanitize  with AddressSanitizer and UBSan, for tests
#   --dump      the same, but the program prints a decoded stream and carries nothing out
# CC names another compiler (aarch64-linux-gnu-gcc).
set -eu
cd "$(dirname -- "$0")/.."
kind=static
case ${1:-} in
--sanitize | --dump)
  kind=${1#--}
  shift
  ;;
esac
out=$1

set -- -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wswitch-enum -Wshadow -Wformat=2 -Wstrict-prototypes \
  -Wmissing-prototypes -Werror
if [ "$kind" = static ]; then
  cc=${CC:-$(command -v musl-gcc || echo cc)}
  set -- "$@" -Os -static -s -ffunction-sections -fdata-sections -Wl,--gc-sections
else
  cc=${CC:-cc}
  set -- "$@" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
fi
case $kind in
dump) set -- "$@" -DOP_NAMES -Istarter starter/stream.c test/starter/dump.c test/starter/asan-options.c ;;
sanitize) set -- "$@" starter/*.c test/starter/asan-options.c ;;
*) set -- "$@" starter/*.c ;;
esac
exec "$cc" "$@" -o "$out"
