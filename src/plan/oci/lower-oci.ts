import { encodeOsText } from "../../base/os-text.ts";
import type { WiredOp } from "../../ops/op.ts";
import { setupFault } from "../lower/fault-texts.ts";
import { dataDir, HOST, stagedFile } from "../lower/layout.ts";
import { enterOps, type LowerOptions, sessionOps, volumes } from "../lower/lower.ts";
import { rootOps, volumeOps } from "../lower/root-ops.ts";
import { unpackOps } from "../lower/unpack-ops.ts";
import type { Plan } from "../plan.ts";
import { type LaunchBundle, launchSpec } from "./launch-spec.ts";

/** How an OCI runtime is started. */
export interface OciLaunch extends Omit<LaunchBundle, "base"> {
  /** Full path of crun or runc. */
  readonly runtime: string;
  readonly id: string;
}

const BUNDLE = "/bundle";
const STATE = "/state";
/** Warnings of the runtime, about control groups that an ordinary user has none of, go here; its errors to the user. */
const LOG = "/log";

/**
 * The plan as operations that leave the container itself to an OCI runtime: they put the root file
 * system together in the session, write the bundle beside it, show the session to the runtime in the
 * caller's tree, in a mount namespace of its own, and execute it. State and bundle are in the
 * session's memory: nothing of them stays.
 */
export function lowerOci(planned: Plan, options: LowerOptions, launch: OciLaunch): WiredOp[] {
  const { base } = options;
  const spec = launchSpec(planned, { ...launch, base });
  const plan = launch.outer === undefined ? planned : { ...planned, identity: launch.outer };
  const out: WiredOp[] =
    options.unpacking === undefined ? [] : unpackOps(options.unpacking, options.says.info, true);
  out.push(...enterOps(plan));
  sessionOps(out, plan, options);
  volumes(out, plan, options);
  // Who ends the runtime, however, ends the container: its namespace is inside this one.
  if (planned.namespaces.pid) out.push(...pidOps());
  out.push(...rootOps(plan, base));
  plan.mounts.forEach((mount, index) => {
    if (mount.kind === "image-bind") out.push(...volumeOps(mount.volume, dataDir(index), plan));
    if (mount.kind === "staged-file") {
      out.push(directory("/staged"), file(stagedFile(index), mount.content, mount.mode));
    }
  });
  const config = `${JSON.stringify(spec, undefined, "\t")}\n`;
  out.push(directory(BUNDLE), directory(STATE), file(`${BUNDLE}/config.json`, config, 0o600));
  out.push(
    {
      op: {
        ...{ kind: "bind", sourceRoot: "", source: "/", root: HOST, target: base, recursive: 1 },
        ...{ flags: 0, create: 0, optional: 0, warning: "" },
      },
      faults: setupFault(`cannot show the session on ${base}`),
    },
    {
      op: { kind: "pivot", root: HOST, putOld: "" },
      faults: setupFault("cannot go back to the caller's files"),
    },
  );
  if (planned.namespaces.pid) {
    const proc = {
      kind: "mount",
      fstype: "proc",
      source: "proc",
      root: "",
      target: "/proc",
    } as const;
    out.push({
      op: { ...proc, flags: 0, data: "", optional: 0 },
      faults: setupFault("cannot mount /proc for the OCI runtime"),
    });
  }
  const words = [launch.runtime, "--root", `${base}${STATE}`, "--log", `${base}${LOG}`];
  const argv = [...words, "run", "--bundle", `${base}${BUNDLE}`, launch.id];
  out.push({
    op: { kind: "exec", words: argv, counts: [String(argv.length)], notes: [""], fullName: 0 },
    faults: [{ errno: 0, text: `Cannot start ${launch.runtime}: %e` }],
  });
  return out;
}

const CLONE_NEWPID = 0x20000000;

function pidOps(): WiredOp[] {
  const maps = { uidMap: "", gidMap: "", setgroups: 1, newuidmap: "", newgidmap: "" };
  return [
    {
      op: { kind: "unshare", flags: CLONE_NEWPID, ...maps },
      faults: setupFault("cannot make the namespaces"),
    },
    {
      op: { kind: "fork", init: 1, after: [], says: "" },
      faults: setupFault("cannot start a process"),
    },
  ];
}

function directory(path: string): WiredOp {
  return {
    op: { kind: "mkdir", root: "", path, mode: 0o755 },
    faults: setupFault(`cannot make ${path}`),
  };
}

function file(path: string, content: string, mode: number): WiredOp {
  return {
    op: { kind: "file", root: "", path, mode, content: encodeOsText(content) },
    faults: setupFault(`cannot write ${path}`),
  };
}
