/** PATH of a container whose scripts set none (reference: runtime.md 2.1). */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where host libraries are bound. */
export const LIBRARY_DIRECTORY = "/.singularity.d/libs";

/** Both families of names; the first is preferred. */
export const PREFIXES: readonly ["APPTAINER_", "SINGULARITY_"] = ["APPTAINER_", "SINGULARITY_"];

/** What survives `--cleanenv`. */
export const ALWAYS_PASSED: ReadonlySet<string> = new Set([
  "TERM",
  "http_proxy",
  "HTTP_PROXY",
  "https_proxy",
  "HTTPS_PROXY",
  "no_proxy",
  "NO_PROXY",
  "all_proxy",
  "ALL_PROXY",
  "ftp_proxy",
  "FTP_PROXY",
]);

/** Names that no injected variable may take; LD_LIBRARY_PATH is never imported either but may be injected. */
export const NOT_INJECTABLE: ReadonlySet<string> = new Set([
  "HOME",
  "APPTAINER_SHELL",
  "APPTAINER_APPNAME",
  "SINGULARITY_SHELL",
  "SINGULARITY_APPNAME",
]);

/** Read-only or computed in shells: such names go into the environment beside the scripts. */
const SHELL_OWNED: ReadonlySet<string> = new Set(
  (
    "RANDOM SRANDOM SECONDS LINENO EPOCHSECONDS EPOCHREALTIME BASH BASHPID BASHOPTS BASH_ALIASES BASH_ARGC BASH_ARGV " +
    "BASH_ARGV0 BASH_CMDS BASH_COMMAND BASH_EXECUTION_STRING BASH_LINENO BASH_REMATCH BASH_SOURCE BASH_SUBSHELL " +
    "BASH_VERSINFO BASH_VERSION DIRSTACK FUNCNAME GROUPS PIPESTATUS SHELLOPTS COMP_WORDBREAKS HISTCMD PPID UID EUID _"
  ).split(" "),
);

const SCRIPT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Whether scripts can see and change the variable. Exported bash functions (`BASH_FUNC_f%%`), names
 * with odd characters and names that shells keep for themselves pass through untouched.
 */
export function isScriptName(name: string): boolean {
  return SCRIPT_NAME.test(name) && !SHELL_OWNED.has(name);
}
