import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARGUMENTS, type Effect, HOME } from "./evaluate-here.ts";

/** What bash presets or inherits, and the driver of a launch removes before the scripts of an image. */
const PRESET =
  "TERM SHELL SHLVL OLDPWD HOSTNAME HOSTTYPE MACHTYPE OSTYPE PATH COLUMNS LINES OPTERR PS4 MAILCHECK";

/** Scripts may call themselves without end: the nesting of calls, memory and time have a bound. */
const HARNESS = `
ulimit -v 2000000
ulimit -t 20
FUNCNEST=100
dir=$1 count=$2
shift 2
cd /
dump() {
  __status=$?
  while IFS= read -r __name; do
    [[ -v $__name && $__name != _ && \${!__name@a} != *[aA]* ]] && builtin printf '%s=%s\\0' "$__name" "\${!__name}"
  done < <(compgen -e) >"$__dir/$__i.env"
  builtin printf '%s' "$__status" >"$__dir/$__i.status"
}
__dir=$dir
for ((__i = 0; __i < count; __i++)); do
  (
    unset -v ${PRESET} dir count
    shopt -s expand_aliases
    trap dump EXIT
    source "$__dir/$__i.sh" >"$__dir/$__i.out" 2>"$__dir/$__i.err" </dev/null
  )
done
`;

/** Why bash cannot be asked, or undefined. */
export function noBash(): string | undefined {
  const bash = Bun.which("bash");
  if (bash === null) return "bash is not installed";
  const version = Bun.spawnSync([
    bash,
    "-c",
    "echo $((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]))",
  ]).stdout.toString();
  return Number(version) >= 502 ? undefined : "bash is older than 5.2";
}

/** Runs each script with \`source\` in a subshell of one bash. */
export function runInBash(scripts: readonly string[]): (Effect | undefined)[] {
  const dir = mkdtempSync(join(tmpdir(), "bash-"));
  try {
    for (const [position, text] of scripts.entries())
      writeFileSync(join(dir, `${position}.sh`), text);
    const words = [
      "bash",
      "--norc",
      "--noprofile",
      "-c",
      HARNESS,
      "/the/name",
      dir,
      String(scripts.length),
      ...ARGUMENTS,
    ];
    const done = Bun.spawnSync(words, {
      env: { HOME, PWD: "/" },
      cwd: "/",
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: 120_000,
    });
    if (done.exitCode !== 0 && done.exitCode !== null && done.signalCode)
      throw new Error(done.stderr.toString());
    return scripts.map((_text, position) => readEffect(dir, position));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function readEffect(dir: string, position: number): Effect | undefined {
  if (!existsSync(join(dir, `${position}.status`))) return undefined;
  const read = (suffix: string): string => readFileSync(join(dir, `${position}.${suffix}`), "utf8");
  const exported: Record<string, string> = {};
  for (const record of read("env").split("\0")) {
    const equals = record.indexOf("=");
    if (equals > 0) exported[record.slice(0, equals)] = record.slice(equals + 1);
  }
  return { exported, output: read("out"), status: Number(read("status")) };
}
