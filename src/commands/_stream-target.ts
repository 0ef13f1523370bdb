import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Fault } from "../base/fault.ts";
import { statFollow } from "../host/host-files.ts";

/** A target that is written to and stays what it is, such as /dev/null or a named pipe. */
export interface StreamTarget {
  /** Where the image is made first. */
  readonly path: string;
  /** Writes the image there to the target. Throws a Fault. */
  send(): Promise<void>;
  remove(): void;
}

/** How to build to a device or pipe; undefined for a path of any other kind, which is replaced. */
export function streamTarget(target: string, tempFolder: string): StreamTarget | undefined {
  const kind = statFollow(target)?.kind;
  if (kind !== "char" && kind !== "fifo") return undefined;
  const folder = mkdtempSync(`${tempFolder}/skiff-build-`);
  const path = `${folder}/image.sif`;
  return {
    path,
    send: async () => {
      try {
        const output = createWriteStream(target, { flags: "r+" });
        await pipeline(createReadStream(path), output);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Fault("io", `Cannot write "${target}": ${reason}`, { cause });
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
