import {
  accessSync,
  chownSync,
  constants,
  copyFileSync,
  mkdtempSync,
  rmSync,
  statSync,
} from "node:fs";
import { isRoot } from "./ordinary-user.ts";
import { type Finished, loginEnv, type RunOptions, run } from "./run.ts";
import { skiffPath, treeRoot } from "./tree.ts";

/**
 * A place where skiff and the peer run side by side: same root directory, same tools, same user.
 *
 * The peer is the program `SKIFF_PEER`, or the `apptainer` in PATH, used where it is; else, for
 * root only, the one in the directory tree `PEER_ROOT` (default /opt/peer), which then becomes the
 * root directory of both.
 */
export interface PeerPlace {
  /** The peer's program, as seen inside. */
  readonly peer: string;
  /** The binary under test, as seen inside. */
  readonly skiff: string;
  /** A directory for files of both, owned by the user: its path outside and inside. */
  readonly outside: string;
  readonly inside: string;
  /** Words that, put before a command, run it inside as the user. */
  readonly prefix: readonly string[];
  /** Runs a command inside as the user, or with `as: "self"` as root. */
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Removes the directory. */
  leave(): void;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function peerRoot(): string {
  return process.env["PEER_ROOT"] ?? "/opt/peer";
}

function localPeer(): string | undefined {
  return process.env["SKIFF_PEER"] ?? Bun.which("apptainer") ?? undefined;
}

/** Why there is no peer to compare with, or undefined. */
export function noPeer(): string | undefined {
  if (localPeer() !== undefined) return undefined;
  if (!isExecutable(`${peerRoot()}/usr/bin/apptainer`)) {
    return "there is no peer: neither SKIFF_PEER, nor apptainer in PATH, nor a tree at PEER_ROOT";
  }
  return isRoot ? undefined : "entering the tree at PEER_ROOT needs root";
}

/** Opens the place; `noPeer()` must have given no reason. The caller leaves it in the end. */
export function enterPeerPlace(): PeerPlace {
  const local = localPeer();
  if (local !== undefined) {
    const outside = mkdtempSync("/var/tmp/skiff-peer.");
    return {
      peer: local,
      skiff: skiffPath,
      outside,
      inside: outside,
      prefix: [],
      run: (argv, options) => run(argv, { as: "self", cwd: outside, ...options }),
      leave: () => rmSync(outside, { recursive: true, force: true }),
    };
  }
  const root = peerRoot();
  const outside = mkdtempSync(`${root}/srv/skiff.`);
  const inside = outside.slice(root.length);
  const owner = statSync(`${root}/home/${process.env["PEER_USER"] ?? "peer"}`);
  chownSync(outside, owner.uid, owner.gid);
  copyFileSync(skiffPath, `${outside}/skiff`);
  const prefix = [`${treeRoot}/bench/in-peer-root.sh`];
  return {
    peer: "/usr/bin/apptainer",
    skiff: `${inside}/skiff`,
    outside,
    inside,
    prefix,
    run: (argv, options = {}) => {
      const { as = "user", env, extraEnv = {}, ...rest } = options;
      const words = Object.entries(env ?? extraEnv).map(([name, value]) => `${name}=${value}`);
      const change =
        env === undefined ? ["/usr/bin/env", ...words] : ["/usr/bin/env", "-i", ...words];
      const outer = {
        ...loginEnv("self"),
        PEER_ROOT: root,
        ...(as === "self" ? { PEER_USER: "root" } : {}),
      };
      return run([...prefix, ...change, ...argv], { ...rest, as: "self", cwd: "/", env: outer });
    },
    leave: () => rmSync(outside, { recursive: true, force: true }),
  };
}
