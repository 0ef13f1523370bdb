import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { asOrdinaryUser, isRoot, ordinaryUser } from "./ordinary-user.ts";
import { type Finished, loginEnv, type RunOptions, run } from "./run.ts";
import { skiffPath, treeRoot } from "./tree.ts";

/** A root directory with an ordinary user, a copy of the program under test and a directory for files. */
export interface Place {
  /** The binary under test, as seen inside. */
  readonly skiff: string;
  /** A directory owned by the user: its path outside and inside. */
  readonly outside: string;
  readonly inside: string;
  /** Words that, put before a command, run it inside as the user with a plain environment. */
  readonly prefix: readonly string[];
  /**
   * Runs a command inside as the user, or with `as: "self"` as root. `env` and `extraEnv` as for
   * run(); the working directory is the user's home.
   */
  run(argv: readonly string[], options?: Omit<RunOptions, "cwd">): Promise<Finished>;
  /** Removes the directory. */
  leave(): void;
}

function placeAt(
  outside: string,
  inside: string,
  owner: { readonly uid: number; readonly gid: number },
  prefixFor: (as: "user" | "self") => readonly string[],
): Place {
  chmodSync(outside, 0o755);
  if (isRoot) chownSync(outside, owner.uid, owner.gid);
  copyFileSync(skiffPath, `${outside}/skiff`);
  // As it is installed: with its helpers at its side.
  const helpers = `${dirname(skiffPath)}/libexec`;
  if (existsSync(helpers)) cpSync(helpers, `${outside}/libexec`, { recursive: true });
  return {
    skiff: `${inside}/skiff`,
    outside,
    inside,
    prefix: prefixFor("user"),
    run: (argv, { as = "user", env, extraEnv = {}, ...rest } = {}) => {
      const words = Object.entries(env ?? extraEnv).map(([name, value]) => `${name}=${value}`);
      const only = env === undefined ? [] : ["-i"];
      const argvInside = [...prefixFor(as), "/usr/bin/env", ...only, ...words, ...argv];
      return run(argvInside, { ...rest, as: "self", cwd: "/" });
    },
    leave: () => rmSync(outside, { recursive: true, force: true }),
  };
}

/** This machine itself, below /var/tmp. */
export function enterLocalPlace(): Place {
  const outside = mkdtempSync("/var/tmp/skiff-place.");
  const user = ordinaryUser();
  if (user === undefined) throw new Error("No ordinary user: run scripts/test.sh once as root");
  const env = (as: "user" | "self"): string[] =>
    Object.entries(loginEnv(as)).map(([name, value]) => `${name}=${value}`);
  return placeAt(outside, outside, user, (as) => [
    ...(as === "user" ? asOrdinaryUser() : []),
    ...["/usr/bin/env", "-i", `--chdir=${loginEnv(as)["HOME"]}`, ...env(as)],
  ]);
}

/** A directory tree that becomes the root directory, as the user `PEER_USER` (default peer) in it; for root only. */
export function enterTree(root: string): Place {
  const outside = mkdtempSync(`${root}/srv/skiff.`);
  const user = process.env["PEER_USER"] ?? "peer";
  const script = `${treeRoot}/bench/in-peer-root.sh`;
  return placeAt(outside, outside.slice(root.length), statSync(`${root}/home/${user}`), (as) => [
    ...["/usr/bin/env", `PEER_ROOT=${root}`, `PEER_USER=${as === "user" ? user : "root"}`, script],
  ]);
}
