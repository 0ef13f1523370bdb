import type { HostFacts, IdRange } from "../plan/facts.ts";
import { findAccount, findGroupName } from "./_accounts.ts";
import { archOfMachine } from "./_arch.ts";
import { isBinfmtFor } from "./_binfmt.ts";
import { parseMountinfo } from "./_mountinfo.ts";
import { askAccount, askGroupName } from "./_name-service.ts";
import { once, perKey } from "./_once.ts";
import { findSubids, parseGetsubids, subidService } from "./_subids.ts";
import { carriedTool } from "./carried-tools.ts";
import { findTool } from "./find-tool.ts";
import { hostFiles, realPath, statFollow } from "./host-files.ts";
import { parseProcStatus } from "./proc-status.ts";
import { getcwd, getgid, getgroups, getUmask, getuid, isTerminal, uname } from "./process-calls.ts";
import { environmentTable, rawEnvironment } from "./raw-environment.ts";
import { readHostText } from "./read-text.ts";
import { close, listDir, O_RDWR, open, readlink } from "./syscall.ts";

/** Name of the initial user namespace: its inode number is fixed (kernel: PROC_USER_INIT_INO). */
const INITIAL_USER_NAMESPACE = "user:[4026531837]";
/** Its uid_map: three columns of width 10. */
const INITIAL_UID_MAP = "         0          0 4294967295\n";
const BINFMT = "/proc/sys/fs/binfmt_misc";

export interface HostFactsOptions {
  /** Directories to look for tools in (directive `binary path`): joined by ":", `$PATH` is the caller's. */
  readonly binaryPath: string;
  /** The caller's environment; when absent the one the kernel gave this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Facts about this machine and this process, each read when it is first asked for and kept. Needs no
 * HOME, no USER and no /proc: what cannot be read is absent, empty or the cautious answer.
 */
export function hostFacts(options: HostFactsOptions): HostFacts {
  const passwd = once(() => readHostText("/etc/passwd"));
  const group = once(() => readHostText("/etc/group"));
  const status = once(() => parseProcStatus(readHostText("/proc/self/status")));
  const names = once(uname);
  const uid = once(getuid);
  const env = once(() => options.env ?? ownEnvironment());
  const accountByUid = perKey((id: number) => findAccount(passwd(), { id }) ?? askAccount(id));
  const accountByName = perKey(
    (name: string) => findAccount(passwd(), { name }) ?? askAccount(name),
  );
  const groupName = perKey((gid: number) => findGroupName(group(), gid) ?? askGroupName(gid));
  const subids = (kind: "uid" | "gid") =>
    once(() => {
      const name = accountByUid(uid())?.name;
      if (subidService(readHostText("/etc/nsswitch.conf")) !== undefined) {
        return askSubids(kind, name, tool("getsubids"));
      }
      return findSubids(readHostText(`/etc/sub${kind}`), name, uid());
    });
  const gid = once(getgid);
  const groups = once(getgroups);
  const cwd = once(getcwd);
  const logicalCwd = once(() => logicalOf(env()["PWD"], cwd()));
  const umask = once(() => status().umask ?? getUmask());
  const inUserNamespace = once(() => readHostText("/proc/self/uid_map") !== INITIAL_UID_MAP);
  const isInitial = once(isInInitialNamespace);
  const stdinIsTerminal = once(() => isTerminal(0));
  const stderrIsTerminal = once(() => isTerminal(2));
  const tool = perKey((name: string) => findTool(name, options.binaryPath, env()["PATH"]));
  const subUids = subids("uid");
  const subGids = subids("gid");
  const mounts = once(() => parseMountinfo(readHostText("/proc/self/mountinfo")));
  const fuse = once(canOpenFuse);
  const handlers = once(readBinfmt);
  const files = hostFiles();

  return {
    get uid() {
      return uid();
    },
    get gid() {
      return gid();
    },
    get groups() {
      return groups();
    },
    get account() {
      return accountByUid(uid());
    },
    groupName,
    accountByName,
    accountByUid,
    get cwd() {
      return cwd();
    },
    get logicalCwd() {
      return logicalCwd();
    },
    get umask() {
      return umask();
    },
    get hostname() {
      return names().hostname;
    },
    get kernel() {
      return names().release;
    },
    get kernelVersion() {
      const [major, minor] = names()
        .release.split(".", 2)
        .map((part) => Number.parseInt(part, 10));
      return [major ?? 0, minor ?? 0] as const;
    },
    get arch() {
      return archOfMachine(names().machine);
    },
    get capabilities() {
      return status().permitted;
    },
    get inUserNamespace() {
      return inUserNamespace();
    },
    get isRealRoot() {
      return uid() === 0 && isInitial();
    },
    get env() {
      return env();
    },
    files,
    realPath,
    get stdinIsTerminal() {
      return stdinIsTerminal();
    },
    get stderrIsTerminal() {
      return stderrIsTerminal();
    },
    tool,
    carriedTool: (name) => carriedTool(name, env(), uid()),
    programHolds: (path, text) => {
      const bytes = files.read(realPath(path) ?? path);
      return (
        bytes !== undefined &&
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text)
      );
    },
    get subUids() {
      return subUids();
    },
    get subGids() {
      return subGids();
    },
    get mounts() {
      return mounts();
    },
    get fuse() {
      return fuse();
    },
    hasBinfmt: (arch) => handlers().some((entry) => isBinfmtFor(entry, arch)),
  };
}

/** Whether this process is in the user namespace that the kernel started with. */
export function isInInitialNamespace(): boolean {
  return readlink("/proc/self/ns/user") === INITIAL_USER_NAMESPACE;
}

function ownEnvironment(): Readonly<Record<string, string>> {
  const strings = rawEnvironment();
  if (strings !== undefined) return environmentTable(strings);
  // A process that is not dumpable may not read its own environ.
  return Object.fromEntries(Object.entries(process.env).map(([name, text]) => [name, text ?? ""]));
}

function logicalOf(pwd: string | undefined, cwd: string | undefined): string | undefined {
  if (pwd === undefined || pwd === cwd || cwd === undefined || !pwd.startsWith("/")) return cwd;
  // As pwd(1): a PWD with "." or ".." parts is not trusted.
  if (/\/\.\.?(\/|$)/.test(pwd)) return cwd;
  const claimed = statFollow(pwd)?.id;
  return claimed !== undefined && claimed === statFollow(cwd)?.id ? pwd : cwd;
}

/** Sub-ids from a directory service; a subprocess, but only on machines where no file has them. */
function askSubids(
  kind: "uid" | "gid",
  name: string | undefined,
  getsubids: string | undefined,
): readonly IdRange[] {
  if (name === undefined || getsubids === undefined) return [];
  const argv = [getsubids, ...(kind === "gid" ? ["-g"] : []), name];
  const asked = Bun.spawnSync(argv, { stdin: "ignore", stderr: "ignore" });
  return asked.exitCode === 0 ? parseGetsubids(asked.stdout.toString()) : [];
}

function canOpenFuse(): boolean {
  const fd = open("/dev/fuse", O_RDWR);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

function readBinfmt(): readonly string[] {
  if (readHostText(`${BINFMT}/status`).trim() !== "enabled") return [];
  return (listDir(BINFMT) ?? [])
    .filter(({ name }) => name !== "register" && name !== "status")
    .map(({ name }) => readHostText(`${BINFMT}/${name}`));
}
