#!/bin/sh
# Builds dist/: the one-file binary, the starter beside it, man pages and completions.
#   starter/*.c ─► build/embed/starter ─┐
#   bash-static ─► build/embed/bash ────┼─► dist/skiff
#   src/main.ts ────────────────────────┤
#   launcher/*.c ───────────────────────┘
# For another processor CC and OBJCOPY name its tools, BASH_STATIC its static bash, TARGET_BUN its Bun, and
# TARGET the processor to Bun, which writes process.arch into the program (docs/admin-guide.md).
set -eu
. "$(dirname -- "$0")/progress.sh"
sh scripts/setup.sh

mkdir -p build/embed dist/libexec/skiff
# Two builds at once would read each other's half-written files.
if [ -z "${SKIFF_BUILD_LOCKED:-}" ] && command -v flock >/dev/null; then
  export SKIFF_BUILD_LOCKED=1
  exec flock build/lock sh scripts/build.sh
fi

# place MODE SOURCE TARGET: whole or not at all, and with the time of an unchanged target kept.
place() {
  if cmp -s "$2" "$3"; then return; fi
  install -m "$1" "$2" "$3.new"
  mv -f "$3.new" "$3"
}

step "Compiling the starter" sh scripts/build-starter.sh build/starter.new
place 755 build/starter.new build/embed/starter
rm -f build/starter.new
place 755 "${BASH_STATIC:-$(command -v bash-static)}" build/embed/bash

# What a launch needs becomes one module first: loading it in the many pieces that splitting would leave
# costs 2 to 3 ms of every launch. What is loaded on demand keeps its own pieces.
rm -rf build/stage
mkdir -p build/stage
for part in _program.ts runtime/embedded.ts runtime/systemd-scope.ts; do
  printf 'export * from "../../src/%s";\n' "$part" >"build/stage/$(basename "$part")"
done
mkdir -p build/stage/runtime/admission
printf 'export * from "../../../../src/runtime/admission/admit.ts";\n' >build/stage/runtime/admission/admit.ts
# Threads begin with modules of their own.
printf 'import "../../src/trust/hash-thread.ts";\n' >build/stage/hash-thread.ts
printf 'import "../../src/image/cache/digest-thread.ts";\n' >build/stage/digest-thread.ts
step "Bundling the launch path" "$bun" build --target=bun --minify --format=esm '--external=*/embedded.ts' \
  '--external=*/_program.ts' '--external=*/admit.ts' '--external=*/systemd-scope.ts' src/_main.ts --outfile build/stage/launch.js
printf 'export * from "./launch.js";\n' >build/stage/_main.ts
printf 'export * from "../../src/_ask.ts";\n' >build/stage/_ask.ts
cp src/main.ts build/stage/main.ts

# Libraries print what they stumble over when they take this for a development (NODE_ENV).
# Neither .env nor bunfig.toml of the caller's directory is skiff's business. The JIT starts twenty times
# later than by default: compiling what runs for milliseconds costs a launch up to 2 ms, and 2 of 15 ms of
# CPU; what runs for long, such as reading an image, still reaches it.
step "Compiling dist/skiff" "$bun" build --compile --minify --bytecode --format=esm --splitting \
  ${TARGET_BUN:+"--target=${TARGET:?}" "--compile-executable-path=$TARGET_BUN"} \
  --define 'process.env.NODE_ENV="production"' --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-jit-policy=20 \
  build/stage/main.ts build/stage/hash-thread.ts build/stage/digest-thread.ts --outfile build/skiff.new
step "Compiling the launcher" sh scripts/build-launcher.sh build/launcher
step "Adding the launcher" "$bun" scripts/add-launcher.ts build/skiff.new build/launcher
mv -f build/skiff.new dist/skiff
place 755 build/embed/starter dist/libexec/skiff/starter
place 755 build/embed/bash dist/libexec/skiff/bash

step "Writing man pages, completions and the default configuration" sh -c '
  rm -rf dist/man dist/completions
  "$1" scripts/generate-man.ts dist && "$1" scripts/generate-config.ts dist/skiff.conf' sh "$bun"
