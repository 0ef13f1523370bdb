import type { WiredOp } from "../../ops/op.ts";
import { escapePercent, setupFault } from "./fault-texts.ts";
import { SERVER_PATH } from "./served-overlay.ts";

/** Where an image is unpacked, and the words for it. */
export interface Unpacking {
  readonly image: string;
  /** A new directory, to be removed when the container is gone. */
  readonly dir: string;
  /** The root in it. */
  readonly path: string;
  readonly unpack: readonly string[];
  readonly remove: readonly string[];
}

/** unsquashfs: everything that matters is there, though device nodes, say, could not be made. */
const ONLY_WARNINGS = 2;

/**
 * Removes something when the launch is over, in the caller's namespaces: before its status is known
 * when a process `waits` for the program, which an instance has not, and whatever kills that process.
 */
export function removalOps(
  argv: readonly string[],
  waits: boolean,
  says: string,
  what: string,
): WiredOp[] {
  const faults = setupFault(`cannot watch over ${what}`);
  const out: WiredOp[] = [{ op: { kind: "janitor", argv }, faults }];
  if (waits) out.push({ op: { kind: "fork", init: 0, after: argv, says }, faults });
  return out;
}

/** Unpacks an image in the caller's namespaces. The watcher stands before there is anything to remove. */
export function unpackOps(unpacking: Unpacking, says: boolean, waits: boolean): WiredOp[] {
  const { image, dir } = unpacking;
  const goodbye = says ? "INFO:    Cleaning up image..." : "";
  const out: WiredOp[] = [
    ...removalOps(unpacking.remove, waits, goodbye, "the unpacked image"),
    {
      op: { kind: "mkdir", root: "", path: dir, mode: 0o700 },
      faults: [
        {
          errno: 0,
          text: `Cannot unpack "${escapePercent(image)}": ${escapePercent(dir)} cannot be made: %e; set TMPDIR to a directory that you can write to`,
        },
      ],
    },
    {
      op: {
        kind: "run",
        root: "",
        argv: unpacking.unpack,
        env: [SERVER_PATH],
        alsoGood: ONLY_WARNINGS,
        ambient: 0,
      },
      faults: [
        {
          errno: 0,
          text: `Cannot unpack "${escapePercent(image)}" to ${escapePercent(dir)}: %o; see that there is enough space (TMPDIR), or install squashfuse`,
        },
      ],
    },
  ];
  if (says) {
    const text = "INFO:    Converting SIF file to temporary sandbox...";
    out.unshift({ op: { kind: "say", text }, faults: [] });
  }
  return out;
}
