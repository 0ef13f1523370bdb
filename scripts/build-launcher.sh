#!/bin/sh
# Compiles the launcher to one block of code: scripts/build-launcher.sh OUT
# CC names another compiler (aarch64-linux-gnu-gcc, with OBJCOPY its objcopy).
set -eu
cd "$(dirname -- "$0")/.."
# No library and nothing that would need one: no stack guard, no calls to memcpy made from loops.
"${CC:-cc}" -std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror -Os \
  -ffreestanding -fPIE -fvisibility=hidden -fno-stack-protector -fno-tree-loop-distribute-patterns \
  -fno-asynchronous-unwind-tables -nostdlib -static -no-pie -Wl,-T,launcher/block.ld -Wl,--build-id=none \
  launcher/*.c -o "$1.elf"
"${OBJCOPY:-objcopy}" -O binary -j .block "$1.elf" "$1"
rm -f "$1.elf"
