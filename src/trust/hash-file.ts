import { Fault } from "../base/fault.ts";
import type { HashAnswer, HashQuestion } from "./hash-thread.ts";

/** A hash of a file that is being made on a thread of its own. */
export interface FileHash {
  /** Digests in hexadecimal by the name of the hash. Rejects with a Fault when reading fails, with another error when there is no thread. */
  readonly digests: Promise<ReadonlyMap<string, string>>;
  /** Gives it up, if it is not done. */
  stop(): void;
}

/** Starts hashing ranges of an open file, one after another; `hashes` by the name of the result and the name that Bun has for it. */
export function hashFile(
  fd: number,
  ranges: HashQuestion["ranges"],
  hashes: ReadonlyMap<string, string>,
): FileHash {
  const thread = new Worker(new URL("./hash-thread.ts", import.meta.url), { type: "module" });
  const digests = new Promise<ReadonlyMap<string, string>>((resolve, reject) => {
    thread.onmessage = ({ data }: MessageEvent<HashAnswer>) => {
      thread.terminate();
      if ("failure" in data) reject(readFault(data.failure));
      else resolve(new Map([...hashes.keys()].map((name, i) => [name, data.digests[i] ?? ""])));
    };
    thread.onerror = (event) => reject(new Error(event.message));
  });
  thread.postMessage({ fd, ranges, hashes: [...hashes.values()] } satisfies HashQuestion);
  return { digests, stop: () => void thread.terminate() };
}

function readFault(failure: string): Fault {
  return failure === "short"
    ? new Fault("invalid", "Cannot read the image: the file has become shorter")
    : new Fault("io", `Cannot read the image: ${failure}`);
}
