#!/bin/sh
# Types (the whole tree, then the pure folders without any platform type), lint and format.
set -eu
. "$(dirname -- "$0")/progress.sh"
[ -x "$bun" ] || sh scripts/setup.sh
status=0
"$bun" check --no-script || status=1
"$bun" check --no-script -p tsconfig.pure.json || status=1
node_modules/.bin/biome check --diagnostic-level=error || status=1
exit "$status"
