#!/bin/sh
# Types (the whole tree, then the pure folders without any platform type), lint and format.
set -eu
. "$(dirname -- "$0")/progress.sh"
# Packages that came with a change are fetched first: the compiler needs their types.
if [ ! -x "$bun" ] || ! cmp -s package-lock.json node_modules/.skiff-lock; then sh scripts/setup.sh; fi
status=0
"$bun" check --no-script || status=1
"$bun" check --no-script -p tsconfig.pure.json || status=1
node_modules/.bin/biome check --diagnostic-level=error || status=1
exit "$status"
