import { quoteWord } from "../base/shell-quote.ts";
import { mountFlagWords } from "./mount-flags.ts";
import type { Op } from "./op.ts";
import type { UnshareOp } from "./process-op.ts";

/** One line of English for an op, without a full stop: explain, debug logs and tests show it. */
export function describeOp(op: Op): string {
  switch (op.kind) {
    case "unshare":
      return `enter new ${namespaceWords(op.flags).join(", ")} namespaces${mapWords(op)}`;
    case "join":
      return `enter the namespaces ${op.paths.join(" ")}`;
    case "propagation":
      return `make ${op.target} ${mountFlagWords(op.flags).join(" ")}`;
    case "mount":
      return `mount ${op.fstype} on ${below(op.root, op.target)}${options(op.flags, op.data, op.optional)}`;
    case "bind":
      return `bind ${below(op.sourceRoot, op.source)} on ${below(op.root, op.target)}${options(
        op.flags,
        op.recursive ? "recursive" : "",
        op.optional,
      )}`;
    case "remount":
      return `remount ${below(op.root, op.target)}${options(op.flags, "", 0)}`;
    case "mkdir":
      return `make the directory ${below(op.root, op.path)} (${octal(op.mode)})`;
    case "file":
      return `write ${op.content.length} bytes to ${below(op.root, op.path)} (${octal(op.mode)})`;
    case "symlink":
      return `link ${below(op.root, op.path)} to ${op.target}`;
    case "fuse":
      return `mount on ${op.target} what ${commandLine(op.argv)} serves${options(op.flags, op.data, 0)}`;
    case "loop":
      return `mount ${op.fstype} at byte ${op.offset} of ${op.file} on ${op.target}${options(op.flags, op.data, 0)}`;
    case "overlay":
      return `overlay ${op.lower.join(" over ")} on ${op.target}, ${
        op.upper === "" ? "read-only" : `writes to ${op.upper}`
      }${options(op.flags, op.data, 0)}`;
    case "pivot":
      return `make ${op.root} the root, ${op.putOld === "" ? "leave the old one" : `the old one at ${op.putOld}`}`;
    case "umount":
      return `unmount ${op.target}${options(0, op.detach ? "detach" : "", op.optional)}`;
    case "hostname":
      return `set the host name to ${op.name}`;
    case "loopback":
      return "bring the loopback interface up";
    case "fork":
      return `fork, ${op.init ? "the child is process 1 and reaps" : "the parent waits"}${
        op.after.length === 0 ? "" : ` and then runs ${commandLine(op.after)}`
      }`;
    case "janitor":
      return `at the end run ${commandLine(op.argv)}`;
    case "rlimit":
      return `limit resource ${op.resource} to ${limit(op.soft)}, at most ${limit(op.hard)}`;
    case "umask":
      return `set the umask to ${octal(op.mask)}`;
    case "ids":
      return `become uid ${op.uid}, gid ${op.gid}, groups ${op.groups.join(" ") || "none"}`;
    case "caps":
      return `keep the capabilities ${mask(op.effective)} (permitted ${mask(op.permitted)}, inheritable ${mask(
        op.inheritable,
      )}, ambient ${mask(op.ambient)}, bounding ${mask(op.bounding)})${op.noNewPrivs ? ", gain no new privileges" : ""}`;
    case "seccomp":
      return `filter system calls by a program of ${op.filter.length / 8} instructions`;
    case "owners":
      return "let changes of owners succeed, and note them on the files";
    case "attr":
      return `write ${op.value} to /proc/self/${op.path}`;
    case "chdir":
      return `change directory to ${op.candidates.join(", else ")}`;
    case "say":
      return `print ${JSON.stringify(op.text)}`;
    case "environ":
      return `take the environment that ${commandLine(op.argv)} writes`;
    case "run":
      return `run ${commandLine(op.argv)}`;
    case "cgroup":
      return `make the control groups ${op.dirs.join(" ")}${op.watch ? ", to be removed at the end" : ""}`;
    case "write":
      return `write ${JSON.stringify(op.value)} to ${below(op.root, op.path)}`;
    case "companion":
      return `keep a helper outside for ${commandLine(op.setup)}${
        op.teardown.length === 0 ? "" : `, at the end ${commandLine(op.teardown)}`
      }`;
    case "meet":
      return "let the helper outside do its part";
    case "instance":
      return `start process 1 of the instance ${op.name}`;
    case "enter":
      return `enter the ${op.names.join(", ")} namespaces of process ${op.pid}`;
    case "share":
      return `share the container of this step's processes (${op.dir}/${op.name}), else make it by the next ${op.skip} steps`;
    case "publish":
      return "let this step's processes share the container";
    case "exec":
      return `execute ${candidates(op.words, op.counts).map(commandLine).join(", else ")}`;
  }
}

/** The argv lists of an exec op, taken apart by its counts. */
export function candidates(
  words: readonly string[],
  counts: readonly string[],
): readonly (readonly string[])[] {
  let end = 0;
  return counts.map((count) => {
    const start = end;
    end += Number(count);
    return words.slice(start, end);
  });
}

const NAMESPACES: readonly (readonly [number, string])[] = [
  [0x10000000, "user"],
  [0x00020000, "mount"],
  [0x20000000, "pid"],
  [0x08000000, "ipc"],
  [0x04000000, "uts"],
  [0x40000000, "net"],
  [0x02000000, "cgroup"],
  [0x00000080, "time"],
];

function namespaceWords(flags: number): readonly string[] {
  return NAMESPACES.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word);
}

function mapWords(op: UnshareOp): string {
  if (op.uidMap === "" && op.gidMap === "") return "";
  const map = (text: string) => text.trim().replaceAll("\n", ", ");
  const by = op.newuidmap === "" ? "" : ` by ${op.newuidmap}`;
  return ` (uids ${map(op.uidMap)}; gids ${map(op.gidMap)}${by})`;
}

/** `/root` and `/etc/passwd`: "/root/etc/passwd". */
function below(root: string, path: string): string {
  return root === "" || root === "/" ? path : `${root}/${path}`.replaceAll(/\/+/g, "/");
}

function options(flags: number, more: string, optional: number): string {
  const words = [...mountFlagWords(flags)];
  if (more !== "") words.push(more);
  if (optional) words.push("may fail");
  return words.length === 0 ? "" : ` (${words.join(",")})`;
}

function commandLine(argv: readonly string[]): string {
  return argv.map(quoteWord).join(" ");
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function mask(bits: number): string {
  return `0x${bits.toString(16)}`;
}

function limit(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "unlimited" : String(value);
}
