import { expect, test } from "bun:test";
import { type CarriedProgram, decodeCarried, encodeCarried } from "./carried.ts";

const program: CarriedProgram = {
  name: "server",
  loader: "ld.so",
  files: [
    { name: "ld.so", offset: 4096, size: 10 },
    { name: "server", offset: 8192, size: 20 },
  ],
};

test("decodeCarried() gives what encodeCarried() wrote", () => {
  expect(decodeCarried(encodeCarried([program]) ?? new Uint8Array(0))).toEqual([program]);
  expect(encodeCarried(Array.from({ length: 100 }, () => program))).toBeUndefined();
});

test("decodeCarried() takes nothing from other blocks, and no names that lead elsewhere", () => {
  expect(decodeCarried(new Uint8Array(4096))).toEqual([]);
  expect(decodeCarried(new TextEncoder().encode('{"carried":[{]'))).toEqual([]);
  const bad = { ...program, files: [{ name: "../x", offset: 0, size: 1 }] };
  expect(decodeCarried(encodeCarried([bad]) ?? new Uint8Array(0))).toEqual([]);
});
