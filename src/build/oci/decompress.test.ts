import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { decompressed } from "./decompress.ts";
import { LayerScan } from "./scan-layer.ts";

const text = new TextEncoder().encode("hello, ".repeat(50_000));
const second = new TextEncoder().encode("world");

async function* inPieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.slice(at, at + step);
}

async function unpack(bytes: Uint8Array, step: number = 1000): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of decompressed(inPieces(bytes, step), "layer x")) pieces.push(piece);
  return Uint8Array.from(Buffer.concat(pieces));
}

const both = Uint8Array.from(Buffer.concat([text, second]));
const skippable = Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const zstd = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => Bun.zstdCompressSync(bytes);

for (const [what, packed] of [
  ["plain bytes", both],
  ["gzip of two members", Buffer.concat([Bun.gzipSync(text), Bun.gzipSync(second)])],
  ["zstd of two frames", Buffer.concat([zstd(text), zstd(second)])],
  ["zstd with a frame to skip", Buffer.concat([zstd(text), skippable, zstd(second)])],
  ["zstd that begins with a frame to skip", Buffer.concat([skippable, zstd(both)])],
] as const) {
  test(`decompressed() unpacks ${what}, whatever pieces they come in`, async () => {
    for (const step of [1, 3, 100_000].slice(packed.length > 50_000 ? 1 : 0)) {
      expect((await unpack(packed, step)).length).toBe(both.length);
    }
    expect(await unpack(packed)).toEqual(both);
  });
}

for (const tool of ["xz", "bzip2"]) {
  test.skipIf(Bun.which(tool) === null)(
    `decompressed() unpacks ${tool} by that program`,
    async () => {
      const packed = Bun.spawnSync([tool, "-c"], { stdin: both }).stdout;
      for (const step of [3, 100_000]) expect(await unpack(packed, step)).toEqual(both);
      await expect(unpack(packed.subarray(0, packed.length - 20))).rejects.toThrow(
        /^Cannot unpack the layer x: /,
      );
      // A reader that wants no more leaves no process behind.
      for await (const piece of decompressed(inPieces(packed, 100), "layer x")) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
    },
  );
}

test("decompressed() takes no bytes and few bytes as they are", async () => {
  expect((await unpack(new Uint8Array(0))).length).toBe(0);
  expect(await unpack(Uint8Array.from([0x1f]))).toEqual(Uint8Array.from([0x1f]));
});

test("decompressed() names what is cut off or damaged", async () => {
  const gzip = Bun.gzipSync(text);
  for (const bad of [
    gzip.subarray(0, 200),
    zstd(text).fill(7, 20, 40),
    gzip.slice().fill(7, 50, 90),
  ]) {
    await expect(unpack(bad)).rejects.toThrow(/^Cannot unpack the layer x: /);
  }
});

test("decompressed() passes on the error of its input and closes it", async () => {
  let isClosed = false;
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield Bun.gzipSync(text).subarray(0, 300);
      throw new Fault("io", "the disk is gone");
    } finally {
      isClosed = true;
    }
  };
  const all = async (): Promise<void> => {
    for await (const _ of decompressed(failing(), "layer x"));
  };
  await expect(all()).rejects.toThrow("the disk is gone");
  await Bun.sleep(1);
  expect(isClosed).toBe(true);
});

test("decompressed() closes its input when nobody wants more", async () => {
  let isClosed = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield Bun.gzipSync(text);
    } finally {
      isClosed = true;
    }
  };
  for await (const _ of decompressed(endless(), "layer x")) break;
  expect(isClosed).toBe(true);
});

test("LayerScan refuses what unpacks to too much", async () => {
  const packed = Bun.gzipSync(new Uint8Array(10_000_000));
  const layer = {
    mediaType: "",
    digest: "sha256:1",
    sizeBytes: packed.length,
    open: () => inPieces(packed, 100),
  };
  const limits = { freeBytes: 1_000_000, ratio: 100 };
  const scanned = new LayerScan(layer, limits, () => {}, new AbortController().signal).done;
  await expect(scanned).rejects.toThrow("Cannot use the layer sha256:1: it unpacks to more than");
});
