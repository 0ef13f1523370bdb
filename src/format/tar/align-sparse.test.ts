import { expect, test } from "bun:test";
import fc from "fast-check";
import { alignSparse, SparseFiller } from "./align-sparse.ts";
import type { SparsePart } from "./tar-entry.ts";

const sparseFile = fc
  .record({
    gaps: fc.array(fc.tuple(fc.nat(1500), fc.integer({ min: 1, max: 1500 })), { maxLength: 12 }),
    tail: fc.nat(2000),
  })
  .map(({ gaps, tail }) => {
    const parts: SparsePart[] = [];
    let end = 0;
    for (const [gap, length] of gaps) {
      parts.push({ offset: end + gap, length });
      end += gap + length;
    }
    return { parts, sizeBytes: end + tail };
  });

test("SparseFiller gives the same file from aligned parts, whatever pieces the data comes in", () => {
  fc.assert(
    fc.property(sparseFile, fc.integer({ min: 1, max: 700 }), ({ parts, sizeBytes }, step) => {
      const file = new Uint8Array(sizeBytes);
      let value = 1;
      for (const { offset, length } of parts) {
        for (let i = 0; i < length; i++) file[offset + i] = (value++ % 255) + 1;
      }
      const data = Buffer.concat(parts.map((p) => file.subarray(p.offset, p.offset + p.length)));
      const aligned = alignSparse(parts, sizeBytes);
      const filler = new SparseFiller(parts, aligned, sizeBytes);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < data.length; at += step) {
        filler.take(data.subarray(at, at + step), pieces);
      }
      filler.end(pieces);
      const made = new Uint8Array(sizeBytes);
      const written = Buffer.concat(pieces);
      let at = 0;
      for (const { offset, length } of aligned) {
        made.set(written.subarray(at, at + length), offset);
        at += length;
      }
      expect(at).toBe(written.length);
      expect(made).toEqual(file);
    }),
  );
});

test("alignSparse() gives whole blocks in order, with gaps between, and the last block when it is none", () => {
  fc.assert(
    fc.property(sparseFile, ({ parts, sizeBytes }) => {
      const aligned = alignSparse(parts, sizeBytes);
      let end = -1;
      for (const { offset, length } of aligned) {
        expect(offset % 512).toBe(0);
        expect(offset).toBeGreaterThan(end);
        end = offset + length;
        expect(end % 512 === 0 || end === sizeBytes).toBe(true);
      }
      if (sizeBytes % 512 !== 0) expect(end).toBe(sizeBytes);
    }),
  );
});
