import type { ConfigValues } from "../plan/config.ts";

/** What a directive accepts. `number` is a whole number from 0; `text` is anything, empty included. */
export type DirectiveKind = "words" | "number" | "text" | "list";

/** One row of the table of directives. */
export interface Directive<Value = ConfigValues[keyof ConfigValues]> {
  /** Spelling in the file: "mount home". */
  readonly name: string;
  readonly kind: DirectiveKind;
  /** Authorised words, for kind `words`. */
  readonly words: readonly string[];
  /** Value with no configuration file, or for a directive that a file leaves out (lists: then empty). */
  readonly fallback: Value;
  /** Value of one accepted text. Undefined: not authorised. */
  readonly parse: (text: string) => Value | undefined;
}

type Table = { readonly [Key in keyof ConfigValues]: Directive<ConfigValues[Key]> };

function yesNo(name: string, fallback: boolean): Directive<boolean> {
  const parse = (text: string) => (text === "yes" ? true : text === "no" ? false : undefined);
  return { name, kind: "words", words: ["yes", "no"], fallback, parse };
}

function oneOf<Word extends string>(
  name: string,
  words: readonly Word[],
  fallback: NoInfer<Word>,
): Directive<Word> {
  const parse = (text: string) => words.find((word) => word === text);
  return { name, kind: "words", words, fallback, parse };
}

function whole(name: string, fallback: number): Directive<number> {
  const parse = (text: string) => {
    const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : undefined;
    return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
  };
  return { name, kind: "number", words: [], fallback, parse };
}

function text(name: string, fallback: string): Directive<string> {
  return { name, kind: "text", words: [], fallback, parse: (value) => value };
}

function list(name: string, fallback: readonly string[] = []): Directive<readonly string[]> {
  return { name, kind: "list", words: [], fallback, parse: (value) => [value] };
}

/** Every directive with its default (reference: runtime.md section 11). */
export const DIRECTIVES: Table = {
  allowSetuid: yesNo("allow setuid", true),
  maxLoopDevices: whole("max loop devices", 256),
  allowIpcNs: yesNo("allow ipc ns", true),
  allowPidNs: yesNo("allow pid ns", true),
  allowUserNs: yesNo("allow user ns", true),
  allowUtsNs: yesNo("allow uts ns", true),
  configPasswd: yesNo("config passwd", true),
  configGroup: yesNo("config group", true),
  configResolvConf: yesNo("config resolv_conf", true),
  mountProc: yesNo("mount proc", true),
  mountSys: yesNo("mount sys", true),
  mountDev: oneOf("mount dev", ["yes", "no", "minimal"], "yes"),
  mountDevpts: yesNo("mount devpts", true),
  mountHome: yesNo("mount home", true),
  mountTmp: yesNo("mount tmp", true),
  mountHostfs: yesNo("mount hostfs", false),
  mountSlave: yesNo("mount slave", true),
  bindPath: list("bind path", ["/etc/localtime", "/etc/hosts"]),
  userBindControl: yesNo("user bind control", true),
  enableFusemount: yesNo("enable fusemount", true),
  enableOverlay: oneOf("enable overlay", ["yes", "no", "try", "driver"], "yes"),
  enableUnderlay: oneOf("enable underlay", ["yes", "no", "preferred"], "yes"),
  sessiondirMaxSize: whole("sessiondir max size", 64),
  limitContainerOwners: list("limit container owners"),
  limitContainerGroups: list("limit container groups"),
  limitContainerPaths: list("limit container paths"),
  allowContainerSif: yesNo("allow container sif", true),
  allowContainerEncrypted: yesNo("allow container encrypted", true),
  allowContainerSquashfs: yesNo("allow container squashfs", true),
  allowContainerExtfs: yesNo("allow container extfs", true),
  allowContainerDir: yesNo("allow container dir", true),
  allowSetuidMountEncrypted: yesNo("allow setuid-mount encrypted", true),
  allowSetuidMountSquashfs: oneOf(
    "allow setuid-mount squashfs",
    ["yes", "no", "iflimited"],
    "iflimited",
  ),
  allowSetuidMountExtfs: yesNo("allow setuid-mount extfs", false),
  allowNetUsers: list("allow net users"),
  allowNetGroups: list("allow net groups"),
  allowNetNetworks: list("allow net networks"),
  allowNetnsPaths: list("allow netns paths"),
  alwaysUseNv: yesNo("always use nv", false),
  useNvidiaContainerCli: yesNo("use nvidia-container-cli", false),
  alwaysUseRocm: yesNo("always use rocm", false),
  rootDefaultCapabilities: oneOf("root default capabilities", ["full", "file", "no"], "full"),
  memoryFsType: oneOf("memory fs type", ["tmpfs", "ramfs"], "tmpfs"),
  cniConfigurationPath: text("cni configuration path", ""),
  cniPluginPath: text("cni plugin path", ""),
  binaryPath: text(
    "binary path",
    "$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ),
  mksquashfsProcs: whole("mksquashfs procs", 0),
  mksquashfsMem: text("mksquashfs mem", ""),
  sharedLoopDevices: yesNo("shared loop devices", false),
  imageDriver: text("image driver", ""),
  downloadConcurrency: whole("download concurrency", 3),
  downloadPartSize: whole("download part size", 5242880),
  downloadBufferSize: whole("download buffer size", 32768),
  sharedImageCache: text("shared image cache", ""),
  systemdCgroups: yesNo("systemd cgroups", true),
  apptheusSocketPath: text("apptheus socket path", "/run/apptheus/gateway.sock"),
  allowMonitoring: yesNo("allow monitoring", false),
};

/** The row of a directive by its spelling in the file; undefined for an unknown one. */
export function findDirective(name: string): Directive | undefined {
  return Object.values(DIRECTIVES).find((row) => row.name === name);
}

/** Why a value is refused: "must be one of yes, no" and the like. */
export function describeAuthorised(row: Directive): string {
  return row.kind === "number"
    ? "must be a whole number of at least 0"
    : `must be one of ${row.words.join(", ")}`;
}
