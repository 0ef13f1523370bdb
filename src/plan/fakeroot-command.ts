import { type FileView, resolveIn } from "../base/file-view.ts";
import type { HostFacts } from "./facts.ts";
import type { IdentityPlan, Notice } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

const LIBS = "/.singularity.d/libs";

/** The fakeroot program made usable in a root-mapped container (reference: runtime.md 5.2, mode 2). */
export interface FakerootCommand {
  readonly files: readonly {
    readonly name: string;
    readonly source: string;
    readonly why: string;
  }[];
  /** Words before the command. */
  readonly prefix: readonly string[];
  readonly environment: readonly { readonly name: string; readonly value: string }[];
}

const NONE: FakerootCommand = { files: [], prefix: [], environment: [] };

/** Dynamic loaders of glibc: the host's fakeroot runs in images that have one of them. */
const LOADERS = [
  "/lib64/ld-linux-x86-64.so.2",
  "/lib/ld-linux-aarch64.so.1",
  "/lib64/ld64.so.2",
  "/lib/ld64.so.1",
  "/lib/ld-linux-riscv64-lp64d.so.1",
];

/** Where distributions put libfakeroot; the multiarch directory differs per architecture. */
const LIBRARY_DIRS = ["/usr/lib64", "/usr/lib"];

/**
 * Finds fakeroot on the host for a caller that is root only by one mapped id. It lets chown and the
 * like appear to succeed. Without it the namespace alone is used, and that is said.
 */
export function planFakerootCommand(
  request: LaunchRequest,
  host: HostFacts,
  identity: IdentityPlan,
  image: FileView,
  notices: Notice[],
): FakerootCommand {
  const isRootMapped =
    request.fakeroot && identity.uid === 0 && identity.uidMap.split("\n").length === 2;
  if (!isRootMapped || host.isRealRoot || request.ignoreFakerootCommand) return NONE;
  for (const suffix of ["-sysv", ""]) {
    const fakeroot = host.tool(`fakeroot${suffix}`);
    const faked = host.tool(`faked${suffix}`);
    const library =
      fakeroot === undefined ? undefined : findLibrary(host, `libfakeroot${suffix}.so`);
    if (fakeroot === undefined || faked === undefined || library === undefined) continue;
    const has = (path: string): boolean => resolveIn(image, path).entry?.kind === "file";
    if (!LOADERS.some(has) || !has("/bin/sh")) {
      notices.push({
        level: "info",
        text: "the image cannot run the fakeroot command, using only root-mapped namespace",
      });
      return NONE;
    }
    const why = "--fakeroot without sub-ids uses the fakeroot command";
    return {
      files: [
        { name: "fakeroot", source: fakeroot, why },
        { name: "faked", source: faked, why },
        { name: "libfakeroot.so", source: library, why },
      ],
      prefix: [`${LIBS}/fakeroot`, "-f", `${LIBS}/faked`, "-l", `${LIBS}/libfakeroot.so`],
      environment: [{ name: "FAKEROOTDONTTRYCHOWN", value: "1" }],
    };
  }
  notices.push({
    level: "info",
    text: "fakeroot command not found, using only root-mapped namespace",
  });
  return NONE;
}

function findLibrary(host: HostFacts, name: string): string | undefined {
  for (const dir of LIBRARY_DIRS) {
    const names = [
      dir,
      ...(host.files.list(dir) ?? [])
        .filter((n) => n.endsWith("-linux-gnu"))
        .map((n) => `${dir}/${n}`),
    ];
    for (const base of names) {
      const path = `${base}/libfakeroot/${name}`;
      if (host.files.lstat(path) !== undefined) return path;
    }
  }
  return undefined;
}
