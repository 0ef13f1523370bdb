# Sourced by the other scripts: where things are, and how a long step shows that it is alive.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
# An ordinary user's PATH often lacks the directories of mkfs.ext3 and its like.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
bun=$root/node_modules/.bin/bun

say() { printf '%s\n' "$*" >&2; }
stop() {
  say "$@"
  exit 1
}

# step TITLE COMMAND…: runs the command with its output in a log; every 10 s a line tells the elapsed
# time and what the log says last. On failure the end of the log is shown.
step() {
  step_title=$1
  shift
  step_log=$(mktemp "${TMPDIR:-/tmp}/skiff-step.XXXXXX") || exit 1
  step_start=$(date +%s)
  say "==> $step_title"
  (
    # The sleep holds neither stdout nor stderr: killed ticker or not, a pipe after us must not wait for it.
    while sleep 10 </dev/null >/dev/null 2>&1; do
      last=$(tr '\r' '\n' <"$step_log" | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c 1-90)
      say "    $(($(date +%s) - step_start)) s: ${last:-still at it}"
    done
  ) &
  step_ticker=$!
  step_status=0
  "$@" >"$step_log" 2>&1 </dev/null || step_status=$?
  kill "$step_ticker" 2>/dev/null || :
  wait "$step_ticker" 2>/dev/null || :
  if [ "$step_status" -eq 0 ]; then
    step_took=$(($(date +%s) - step_start))
    [ "$step_took" -lt 2 ] || say "    done in $step_took s"
  else
    tail -n 25 "$step_log" >&2
    say "==> Failed: $step_title (exit status $step_status)"
  fi
  rm -f "$step_log"
  return "$step_status"
}
