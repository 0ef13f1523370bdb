import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { runChild } from "../child.ts";
import { APT_AS_ROOT, hasOneId } from "../one-id.ts";
import type { Stage } from "../stage.ts";
import { type Agent, SILENT_RUNSCRIPT } from "./agent.ts";
import {
  type AptSource,
  parseDeb822Sources,
  parseSourcesList,
  sourcesFor,
  sourcesLines,
} from "./apt-sources.ts";

/** Debian's names of architectures, by GOARCH name. */
const DEBIAN_ARCH: Readonly<Record<string, string>> = {
  "386": "i386",
  amd64: "amd64",
  arm: "armhf",
  arm64: "arm64",
  loong64: "loong64",
  mips64le: "mips64el",
  mipsle: "mipsel",
  ppc64le: "ppc64el",
  riscv64: "riscv64",
  s390x: "s390x",
};

/**
 * `Bootstrap: debootstrap` (or `mmdebstrap`): a Debian or Ubuntu of the packages it cannot do
 * without, plus `Include`. Without `MirrorURL` the packages come from where the host's do.
 *
 * The work is done by mmdebstrap where it is installed (16 s where debootstrap takes 29; both work as
 * root and as root of a user namespace with sub-ids), else by debootstrap.
 */
export const debootstrap: Agent = {
  keepsFiles: false,
  runscript: SILENT_RUNSCRIPT,
  async bootstrap(stage) {
    const argv = bootstrapArgv(stage);
    const [tool = ""] = argv;
    stage.ports.talk.info(`Installing ${stage.recipe.header["osversion"]} with ${tool}`);
    const end = await runChild({
      argv,
      env: toolEnvironment(stage),
      stdin: "none",
      stdout: "pass",
      stderr: "pass",
      signal: stage.ports.signal,
    });
    if (end.status !== 0) {
      throw new Fault("failed", `conveyor failed to get: while debootstrapping: ${end.words}`, {
        hint: `the reason is in the last lines of ${tool}`,
      });
    }
    chmodSync(stage.root, 0o755);
  },
};

/**
 * The command that fills the root.
 *
 * @throws Fault `missing-tool`, or `invalid` when neither header nor host name a mirror.
 */
export function bootstrapArgv(stage: Stage): readonly string[] {
  return mmdebstrapWords(stage) ?? debootstrapWords(stage);
}

function mmdebstrapWords(stage: Stage): readonly string[] | undefined {
  const tool = stage.ports.tool("mmdebstrap");
  if (tool === undefined) return undefined;
  const include = includeList(stage);
  const { lines, options } = origin(stage);
  return [
    tool,
    // The process is root here, if only of a user namespace: no namespace of the tool's own.
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    `--architectures=${debianArch(stage)}`,
    ...(include === "" ? [] : [`--include=${include}`]),
    ...options.map((option) => `--aptopt=${option}`),
    ...(hasOneId() ? oneIdWords() : []),
    suiteOf(stage),
    stage.root,
    ...lines,
  ];
}

/**
 * What mmdebstrap needs where one id exists: no other user for downloads, and the host's devices, for
 * it would mount a devpts that belongs to the group tty.
 */
function oneIdWords(): readonly string[] {
  const each = (does: string): string =>
    `for f in null zero full random urandom tty; do ${does}; done`;
  const bind = ': >"$1/dev/$f" && mount --bind "/dev/$f" "$1/dev/$f"';
  return [
    `--aptopt=${APT_AS_ROOT}`,
    "--skip=chroot/mount/dev",
    `--setup-hook=mkdir -p "$1/dev"; ${each(bind)}`,
    `--customize-hook=${each('umount "$1/dev/$f" && rm -f "$1/dev/$f"')}`,
  ];
}

function debootstrapWords(stage: Stage): readonly string[] {
  const tool = stage.ports.tool("debootstrap");
  if (tool === undefined) {
    throw new Fault(
      "missing-tool",
      "conveyor failed to get: neither mmdebstrap nor debootstrap is in PATH",
      { hint: "install the package mmdebstrap (faster) or debootstrap" },
    );
  }
  const { mirror } = origin(stage);
  const include = includeList(stage);
  return [
    tool,
    "--variant=minbase",
    "--exclude=openssl,udev,debconf-i18n,e2fsprogs",
    `--include=apt${include === "" ? "" : `,${include}`}`,
    `--arch=${debianArch(stage)}`,
    suiteOf(stage),
    stage.root,
    mirror,
  ];
}

function toolEnvironment(stage: Stage): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...stage.ports.env };
  // The root is thrown away when anything fails, so dpkg need not wait for the disk (4 s of 16).
  env["DPKG_FORCE"] = "unsafe-io";
  // debootstrap binds device nodes instead of making them, which only the real root can.
  env["container"] = "lxc";
  env["DEBIAN_FRONTEND"] = "noninteractive";
  return env;
}

function suiteOf(stage: Stage): string {
  return stage.recipe.header["osversion"] ?? "";
}

function includeList(stage: Stage): string {
  const text = `${stage.recipe.header["include"] ?? ""} ${stage.ports.env["INCLUDE"] ?? ""}`;
  return text
    .split(/[\s,]+/)
    .filter((word) => word !== "")
    .join(",");
}

function debianArch(stage: Stage): string {
  const arch = DEBIAN_ARCH[stage.options.arch];
  if (arch !== undefined) return arch;
  throw new Fault(
    "unsupported",
    `conveyor failed to get: Debian has no architecture for ${stage.options.arch}`,
    { hint: `one of ${Object.keys(DEBIAN_ARCH).join(", ")}` },
  );
}

/** The mirror and the suite that a header asks for. */
export function mirrorOf(stage: Stage): { readonly mirror: string; readonly suite: string } {
  return { mirror: origin(stage).mirror, suite: suiteOf(stage) };
}

/** Where packages come from: the header's mirror, else the host's. */
interface Origin {
  readonly mirror: string;
  readonly lines: readonly string[];
  /** Lines of apt.conf that the host's mirror needs. */
  readonly options: readonly string[];
}

function origin(stage: Stage): Origin {
  const suite = suiteOf(stage);
  const given = stage.recipe.header["mirrorurl"];
  if (given !== undefined && given !== "") {
    const mirror = given.replaceAll(/%\{OSVERSION\}/gi, suite);
    return { mirror, lines: [mirror], options: [] };
  }
  const sources = sourcesFor(hostSources(), suite);
  const [first] = sources;
  if (first === undefined) {
    throw new Fault(
      "invalid",
      "conveyor failed to get: invalid debootstrap header, no mirrorurl specified",
      {
        hint: "add a line `MirrorURL:` to the header; this host has no apt sources to take it from",
      },
    );
  }
  return { mirror: first.uri, lines: sourcesLines(sources), options: hostOptions() };
}

/** The sources in the files that apt reads, in apt's order. */
function hostSources(): readonly AptSource[] {
  const folder = "/etc/apt/sources.list.d";
  const out = [...parseSourcesList(readText("/etc/apt/sources.list"))];
  for (const name of namesIn(folder)) {
    const text = readText(`${folder}/${name}`);
    if (name.endsWith(".list")) out.push(...parseSourcesList(text));
    if (name.endsWith(".sources")) out.push(...parseDeb822Sources(text));
  }
  return out.filter((source) => /^(https?|file|copy|ftp):/.test(source.uri));
}

/** Settings by which a host accepts its mirror's age: a frozen mirror is refused without them. */
function hostOptions(): readonly string[] {
  const folder = "/etc/apt/apt.conf.d";
  const text = [
    readText("/etc/apt/apt.conf"),
    ...namesIn(folder).map((n) => readText(`${folder}/${n}`)),
  ];
  const found = text
    .join("\n")
    .matchAll(/^\s*(Acquire::Check-(?:Valid-Until|Date)\s+"?(?:false|no|0)"?);/gim);
  return [...found].map(([, line = ""]) => line);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
