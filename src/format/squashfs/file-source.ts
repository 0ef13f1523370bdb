import { type ByteSource, checkRange } from "../../base/byte-source.ts";
import type { FileInode } from "./inode.ts";
import type { SquashfsTree } from "./tree.ts";

const LENGTH_BITS = 0xffffff;

/** A file in an image as a source of its own: a large one is read in ranges, block by block. */
export function fileSource(tree: SquashfsTree, file: FileInode): ByteSource {
  const { data } = tree;
  const { blockSize, blocks } = data.layout(file);
  const words = blocks === 0 ? undefined : data.lengthWords(file, blocks);
  const starts: number[] = [];
  for (let i = 0, at = file.start; i < blocks; i++) {
    starts.push(at);
    at += (words?.getUint32(i * 4, true) ?? 0) & LENGTH_BITS;
  }
  let latest = { index: -1, bytes: new Uint8Array(0) };
  const blockAt = (index: number): Uint8Array => {
    if (latest.index === index) return latest.bytes;
    const isTail = index >= blocks;
    const word = isTail ? 0 : (words?.getUint32(index * 4, true) ?? 0);
    const size = Math.min(blockSize, file.sizeBytes - index * blockSize);
    let bytes = new Uint8Array(size);
    if (isTail) bytes = new Uint8Array(data.tail(file, size));
    else if ((word & LENGTH_BITS) !== 0)
      bytes = new Uint8Array(data.block(starts[index] ?? 0, word));
    latest = { index, bytes };
    return bytes;
  };
  return {
    sizeBytes: file.sizeBytes,
    read(offset, length) {
      checkRange(offset, length, file.sizeBytes);
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const at = offset + done;
        const index = Math.floor(at / blockSize);
        const piece = blockAt(index)
          .subarray(at - index * blockSize)
          .subarray(0, length - done);
        if (piece.length === 0) checkRange(at, 1, at);
        out.set(piece, done);
        done += piece.length;
      }
      return out;
    },
  };
}
