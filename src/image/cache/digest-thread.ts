import { type Blocks, blockAt } from "./_blocks.ts";

/* A thread that hashes the blocks of a file while others write them: for _block-digest.ts. */

/** What the thread is told: the memory first, then each block as it is filled, and in the end that it was the last. */
export type DigestWord =
  | { readonly blocks: Blocks }
  | { readonly index: number; readonly length: number }
  | "end";

/** What it answers: that a block may be filled again, or the SHA-256 in hexadecimal. */
export type DigestAnswer = { readonly hashed: number } | { readonly hex: string };

declare const self: Worker;

const hash = new Bun.CryptoHasher("sha256");
let blocks: Blocks | undefined;

self.onmessage = ({ data }: MessageEvent<DigestWord>): void => {
  if (data === "end") self.postMessage({ hex: hash.digest("hex") } satisfies DigestAnswer);
  else if ("blocks" in data) blocks = data.blocks;
  else if (blocks !== undefined) {
    hash.update(blockAt(blocks, data.index, data.length));
    self.postMessage({ hashed: data.index } satisfies DigestAnswer);
  }
};
