#!/bin/sh
# Everything that must hold, from a clean clone: set-up, build, types and lint, then the tests.
# Started as root, the suite runs as an ordinary user with sub-ids; then, as root, test/root and the files
# *peer.test.ts, which enter the peer's root directory.
# What failed is told again at the end; the last line counts all of it: N passed, N failed, N skipped
set -eu
. "$(dirname -- "$0")/progress.sh"
user=skiff-test
passed=0 failed=0 skipped=0
log=$(mktemp "${TMPDIR:-/tmp}/skiff-test.XXXXXX")
failures=$(mktemp "${TMPDIR:-/tmp}/skiff-test.XXXXXX")
copy=
trap 'rm -rf "$log" "$failures" ${copy:+"$copy"}' EXIT
trap 'exit 130' INT TERM HUP

finish() {
  if [ -s "$failures" ]; then
    say '==> What failed, at the first attempt or at both'
    cat "$failures"
  fi
  printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# The ordinary user, with a home and 65536 sub-ids behind every range that is given out already.
make_user() {
  id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
  for file in /etc/subuid /etc/subgid; do
    if grep -qs "^$user:" "$file"; then continue; fi
    awk -F: -v user="$user" 'BEGIN { next_id = 100000 } $2 + $3 > next_id { next_id = $2 + $3 }
      END { print user ":" next_id ":65536" }' "$file" >"$log"
    cat "$log" >>"$file"
  done
}

as_user() {
  setpriv --reuid "$user" --regid "$user" --init-groups env -i PATH="$PATH" LANG=C.UTF-8 \
    HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" \
    ${CI:+CI="$CI"} ${SKIFF_PEER:+SKIFF_PEER="$SKIFF_PEER"} ${PEER_ROOT:+PEER_ROOT="$PEER_ROOT"} "$@"
}

# Where the user can read the whole tree: here, or in a copy when the way here or a file is closed to others.
readable_tree() {
  closed=$(find . -path ./.git -prune -o ! -type l ! -perm -004 -print | head -n 1)
  if [ -z "$closed" ] && as_user test -r "$root/package.json"; then
    tree=$root
    return
  fi
  copy=$(mktemp -d /var/tmp/skiff-tree.XXXXXX)
  tar cf - --anchored --no-wildcards-match-slash --exclude=./.git --exclude=./tmp --exclude='./*.sif' . | tar xf - -C "$copy"
  chmod -R a+rX "$copy"
  tree=$copy
}

count() {
  counted=$(awk -v what="$1" '$2 == what && NF == 2 { n = $1 } END { print n + 0 }' "$log")
  printf '%s' "$counted"
}

# Each test that failed, also one that passed at its second attempt, with the end of what the runner printed of it;
# the runner's own list at its end has only names.
keep_failures() {
  awk '/^[0-9]+ tests (failed|skipped):$/ { exit }
    /^\(pass\) .* \(attempt [0-9]+\)/ { keep = 1 }
    /^\((pass|skip|todo)\) / && !keep || /\.test\.ts:$/ { from = NR + 1; next }
    { line[NR] = $0 }
    /^\(fail\) / || keep {
      for (i = from > NR - 20 ? from : NR - 20; i <= NR; i++) print line[i]
      print ""
      from = NR + 1
      keep = 0
    }' "$log" >>"$failures"
}

# suite TITLE COMMAND…: runs the command with the flags of the test runner and adds up what it counts.
# A runner that ends badly without a failed test (it crashed, or ran too long) is one failure itself.
suite() {
  say "==> $1"
  shift
  : >"$log"
  suite_status=$({ { "$@" </dev/null 2>&1 || echo "$?" >&3; } | tee "$log" >&4; } 3>&1) 4>&1
  suite_failed=$(count fail)
  if [ -n "$suite_status" ] && [ "$suite_failed" -eq 0 ]; then
    say "==> The test runner ended with status $suite_status"
    suite_failed=1
  fi
  keep_failures
  passed=$((passed + $(count pass)))
  failed=$((failed + suite_failed))
  skipped=$((skipped + $(count skip) + $(count todo)))
}

sh scripts/setup.sh --tests
sh scripts/build.sh || {
  failed=1
  finish
}

say "==> Checking types, lint and format"
if sh scripts/check.sh >"$log" 2>&1; then
  passed=$((passed + 1))
else
  cat "$log"
  failed=$((failed + 1))
fi

# A test gets a second attempt: on a busy machine a key or a signal may come when it says nothing.
flags='--randomize --retry=1 --timeout=120000'
limit="timeout --foreground -k 10 ${SKIFF_TEST_LIMIT_S:-1200}"
# Word splitting of both, and of the list of files, is meant.
# shellcheck disable=SC2086
if [ "$(id -u)" = 0 ]; then
  make_user
  readable_tree
  cd "$tree"
  suite "Testing as the user $user" as_user $limit "$tree/node_modules/.bin/bun" test $flags \
    --path-ignore-patterns='test/root/**' --path-ignore-patterns='**/*peer.test.ts' ./src ./test ./bench
  for_root=$(find ./test ./src -path './test/root/*.test.ts' -o -name '*peer.test.ts')
  if [ -n "$for_root" ]; then
    suite "Testing as root" $limit "$bun" test $flags $for_root
  fi
else
  suite "Testing as $(id -un)" $limit "$bun" test $flags ./src ./test ./bench
fi
finish
