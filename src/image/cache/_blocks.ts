/** Blocks of memory that are filled, written and hashed in turn. */
export interface Blocks {
  readonly count: number;
  readonly blockBytes: number;
  /** Memory of all blocks, one after another, from the beginning of a page on. */
  readonly memory: ArrayBuffer | SharedArrayBuffer;
}

const PAGE_BYTES = 65_536;

/** Blocks for a file of few bytes: the memory is this thread's alone. */
export function smallBlocks(): Blocks {
  const [count, blockBytes] = [4, 256 * 1024];
  return { count, blockBytes, memory: new ArrayBuffer(count * blockBytes) };
}

/** Blocks for a long file: other threads see the memory, and a disk can be written from it directly. */
export function largeBlocks(): Blocks {
  const [count, blockBytes] = [6, 2 * 1024 * 1024];
  const pages = (count * blockBytes) / PAGE_BYTES;
  // The one way to memory that begins at a page.
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return { count, blockBytes, memory: buffer };
}

/** A part of a block. */
export function blockAt(blocks: Blocks, index: number, length: number): Uint8Array {
  return new Uint8Array(blocks.memory, index * blocks.blockBytes, length);
}
