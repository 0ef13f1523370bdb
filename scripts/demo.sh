#!/bin/sh
# From a clean clone to a running container: set-up, build, examples/lolcow.def into lolcow.sif, run it.
set -eu
. "$(dirname -- "$0")/progress.sh"
sh scripts/setup.sh
sh scripts/build.sh
say "==> Building lolcow.sif from examples/lolcow.def"
dist/skiff build --force lolcow.sif examples/lolcow.def
say "==> Running lolcow.sif"
dist/skiff run lolcow.sif
