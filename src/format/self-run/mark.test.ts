import { expect, test } from "bun:test";
import { BLOCK_BYTES, imageOffset, markProgram } from "./mark.ts";

const elf = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

test("markProgram() tells imageOffset() where the image is", () => {
  expect(imageOffset(elf)).toBe(0);
  const marked = markProgram(elf, 30_000 * BLOCK_BYTES);
  expect(imageOffset(marked)).toBe(30_000 * BLOCK_BYTES);
  expect(marked.subarray(0, 9)).toEqual(elf.subarray(0, 9));
});

test("imageOffset() knows no image in what is no such program", () => {
  for (const head of [new Uint8Array(0), new Uint8Array(16).fill(0x52), elf.subarray(0, 12)]) {
    expect(imageOffset(head)).toBe(0);
  }
});

test("markProgram() refuses what is no program, and a place between blocks", () => {
  expect(() => markProgram(new Uint8Array(16), 4096)).toThrow("no ELF file");
  expect(() => markProgram(elf, 4097)).toThrow();
});
