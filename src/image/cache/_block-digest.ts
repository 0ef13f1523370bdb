import { type Blocks, blockAt } from "./_blocks.ts";
import type { DigestAnswer, DigestWord } from "./digest-thread.ts";

/** The SHA-256 of blocks that are given one after another. */
export interface BlockDigest {
  /** Resolves when the block may be filled again. */
  add(index: number, length: number): Promise<void>;
  /** The digest in hexadecimal; undefined when its thread could not do it. */
  finish(): Promise<string | undefined>;
  /** Gives it up, if it is not done. */
  stop(): void;
}

/** Hashes on this thread. */
export function digestHere(blocks: Blocks): BlockDigest {
  const hash = new Bun.CryptoHasher("sha256");
  return {
    add: async (index, length) => void hash.update(blockAt(blocks, index, length)),
    finish: async () => hash.digest("hex"),
    stop: () => {},
  };
}

/** Hashes on a thread of its own. For a file on a fast line, hashing is the longest work of one thread. */
export function digestBeside(blocks: Blocks): BlockDigest {
  const thread = new Worker(new URL("./digest-thread.ts", import.meta.url), { type: "module" });
  const say = (word: DigestWord): void => thread.postMessage(word);
  const waiting = new Map<number, () => void>();
  let isBroken = false;
  const { promise: hex, resolve: tell } = Promise.withResolvers<string | undefined>();
  thread.onmessage = ({ data }: MessageEvent<DigestAnswer>) => {
    if ("hex" in data) return tell(data.hex);
    waiting.get(data.hashed)?.();
    waiting.delete(data.hashed);
  };
  thread.onerror = () => {
    isBroken = true;
    for (const release of waiting.values()) release();
    waiting.clear();
    tell(undefined);
  };
  say({ blocks });
  return {
    add: (index, length) => {
      if (isBroken) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.set(index, resolve);
        say({ index, length });
      });
    },
    finish: () => {
      if (!isBroken) say("end");
      return hex;
    },
    stop: () => void thread.terminate(),
  };
}
