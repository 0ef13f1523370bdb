import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { memorySource } from "../../base/byte-source.ts";
import { encodeDescriptor, GROUP_MASK } from "./descriptor.ts";
import {
  emptySif,
  encodeStart,
  type NewObject,
  planAdd,
  planDelete,
  planSetPrimary,
  type SifChange,
} from "./edit.ts";
import { encodeDigestExtra, encodePartitionExtra, encodeSignatureExtra } from "./extra.ts";
import { encodeHeader, ZERO_TIME } from "./header.ts";
import { findObject, primaryPartition, readSif, type SifImage } from "./image.ts";

const fixtures = `${import.meta.dir}/../../../test/fixtures/sif`;
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(`${fixtures}/${name}.sif`));

/** A file in memory that plans are carried out on. */
class MemoryFile {
  bytes: Uint8Array;
  image: SifImage;

  constructor(image: SifImage) {
    this.image = image;
    this.bytes = encodeStart(image);
  }

  put(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.bytes.length) {
      const longer = new Uint8Array(end);
      longer.set(this.bytes);
      this.bytes = longer;
    }
    this.bytes.set(bytes, offset);
  }

  apply(change: SifChange): void {
    for (const { offset, bytes } of change.writes) this.put(offset, bytes);
    this.image = change.image;
  }

  add(object: Omit<NewObject, "sizeBytes">, content: Uint8Array, now = 1000n): void {
    const added = planAdd(this.image, { ...object, sizeBytes: content.length }, now);
    this.put(added.object.offset, content);
    this.apply(added);
  }
}

const partition = (fsType: number, partType: number, arch: string): Uint8Array =>
  encodePartitionExtra({ fsType, partType, arch });
const contentOf = (name: string, id: number): Uint8Array => {
  const bytes = load(name);
  const object = findObject(readSif(memorySource(bytes)), id);
  if (object === undefined) throw new Error(`${name} has no object ${id}`);
  return bytes.slice(object.offset, object.offset + object.sizeBytes);
};
const deterministic = (): MemoryFile =>
  new MemoryFile(emptySif({ uuid: new Uint8Array(16), time: ZERO_TIME }));
const expectBytes = (file: MemoryFile, name: string): void => {
  expect(Buffer.from(file.bytes).equals(Buffer.from(load(name)))).toBe(true);
};

test("emptySif() and encodeStart() write empty.sif byte for byte", () => {
  expectBytes(deterministic(), "empty");
  const launch = "#!/usr/bin/env run-script\n";
  const image = emptySif({ uuid: new Uint8Array(16), time: ZERO_TIME, launch });
  expectBytes(new MemoryFile(image), "empty-launch-script");
});

test("planAdd() writes one-group.sif and two-groups.sif byte for byte", () => {
  const file = deterministic();
  const raw = Uint8Array.of(0xfa, 0xce, 0xfe, 0xed);
  file.add({ dataType: 0x4004, group: 1, extra: partition(4, 1, "01") }, raw);
  file.add({ dataType: 0x4004, group: 1, extra: partition(1, 2, "01") }, contentOf("one-group", 2));
  expectBytes(file, "one-group");
  file.add(
    { dataType: 0x4004, group: 2, extra: partition(2, 1, "02") },
    contentOf("two-groups", 3),
  );
  expectBytes(file, "two-groups");
});

test("planAdd() writes images of other objects byte for byte", () => {
  const json = deterministic();
  const name = "data.json";
  json.add({ dataType: 0x4006, group: 1, name }, contentOf("one-object-generic-json", 1));
  expectBytes(json, "one-object-generic-json");

  const timed = deterministic();
  const time = 1593475316n;
  timed.add(
    { dataType: 0x4006, group: 1, name: "data.json", time },
    contentOf("one-object-time", 1),
  );
  const written = readSif(memorySource(load("one-object-time"))).objects[0];
  expect(timed.image.objects[0]).toEqual(written);

  const root = contentOf("one-object-oci-root-index", 1);
  const digest = new Bun.CryptoHasher("sha256").update(root).digest("hex");
  const oci = deterministic();
  oci.add({ dataType: 0x400a, group: 1, extra: encodeDigestExtra(`sha256:${digest}`) }, root);
  expectBytes(oci, "one-object-oci-root-index");
});

test("planAdd() adds a signature to one-group.sif as the peer's signer does", () => {
  const signed = readSif(memorySource(load("one-group-signed-dsse")));
  const file = new MemoryFile(readSif(memorySource(load("one-group"))));
  file.bytes = load("one-group");
  file.add(
    {
      dataType: 0x4005,
      group: 0,
      link: GROUP_MASK + 1,
      extra: encodeSignatureExtra({ hashType: 1, fingerprint: new Uint8Array(20) }),
    },
    contentOf("one-group-signed-dsse", 3),
  );
  expect(file.image).toEqual(signed);
  expectBytes(file, "one-group-signed-dsse");
});

test("planAdd() takes the lowest free slot and the space behind the last object", () => {
  const file = new MemoryFile(emptySif({ uuid: new Uint8Array(16).fill(1), time: 5n }));
  for (const size of [10, 20, 30]) file.add({ dataType: 0x4007, group: 1 }, new Uint8Array(size));
  file.apply(planDelete(file.image, 2, 7n));
  file.apply(planDelete(file.image, 3, 7n));
  expect(file.image.header.dataBytes).toBe(60);
  file.add({ dataType: 0x4007, group: 1 }, new Uint8Array(5), 9n);
  expect(file.image.objects.map((o) => [o.id, o.offset])).toEqual([
    [1, 32176],
    [2, 32186],
  ]);
  expect(file.image.header).toMatchObject({
    dataBytes: 15,
    descriptorsFree: 46,
    createdAt: 5n,
    modifiedAt: 9n,
  });
});

test("planAdd() refuses a second primary partition, a full table and a long name", () => {
  const file = new MemoryFile(emptySif({ uuid: new Uint8Array(16), time: 5n, capacity: 1 }));
  const primary = { dataType: 0x4004, group: 1, extra: partition(1, 2, "02"), sizeBytes: 1 };
  expect(() => planAdd(file.image, { ...primary, name: "x".repeat(129) }, 0n)).toThrow("128 bytes");
  file.add(primary, new Uint8Array(1));
  expect(file.image.header.arch).toBe("02");
  expect(() => planAdd(file.image, primary, 0n)).toThrow("insufficient descriptor capacity");
  const roomy = new MemoryFile(emptySif({ uuid: new Uint8Array(16), time: 5n }));
  roomy.add(primary, new Uint8Array(1));
  expect(() => planAdd(roomy.image, primary, 0n)).toThrow("already contains a primary partition");
});

test("planDelete() of the primary partition leaves an image without architecture", () => {
  const image = readSif(memorySource(load("one-group")));
  const { image: after, writes } = planDelete(image, 2, 99n);
  expect(after.header.arch).toBe("00");
  expect(after.header.descriptorsFree).toBe(47);
  expect(after.header.modifiedAt).toBe(ZERO_TIME);
  expect(after.header.dataBytes).toBe(image.header.dataBytes);
  expect(writes.map((w) => [w.offset, w.bytes.length])).toEqual([
    [4096 + 585, 585],
    [0, 128],
  ]);
  expect(() => planDelete(image, 3, 0n)).toThrow("object not found");
});

test("planSetPrimary() swaps the types of old and new and takes the architecture along", () => {
  const image = readSif(memorySource(load("two-groups")));
  const { image: after, writes } = planSetPrimary(image, 3, 0n);
  expect(primaryPartition(after)?.id).toBe(3);
  expect(after.header.arch).toBe("02");
  expect(findObject(after, 2)?.extra[4]).toBe(1);
  expect(writes.length).toBe(3);
  expect(writes.at(-1)).toEqual({ offset: 0, bytes: encodeHeader(after.header) });
  const third = findObject(after, 3);
  if (third === undefined) throw new Error("object 3 is gone");
  expect(writes[0]).toEqual({ offset: 4096 + 2 * 585, bytes: encodeDescriptor(third) });
  expect(planSetPrimary(image, 2, 0n).writes).toEqual([]);
  expect(() => planSetPrimary(image, 9, 0n)).toThrow("object not found");
});

test("planSetPrimary() refuses what is no system partition", () => {
  const file = new MemoryFile(emptySif({ uuid: new Uint8Array(16), time: 5n }));
  file.add({ dataType: 0x4007, group: 1 }, new Uint8Array(1));
  file.add({ dataType: 0x4004, group: 1, extra: partition(2, 3, "02") }, new Uint8Array(1));
  expect(() => planSetPrimary(file.image, 1, 0n)).toThrow("not a partition");
  expect(() => planSetPrimary(file.image, 2, 0n)).toThrow("not a system partition");
});

test("any row of additions and deletions leaves an image that reads back as planned, with its contents", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("add" as const),
      content: fc.uint8Array({ maxLength: 40 }),
      isPartition: fc.boolean(),
      alignment: fc.constantFrom(undefined, 0, 1, 7, 512),
    }),
    fc.record({ kind: fc.constant("delete" as const), which: fc.nat(8) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const file = new MemoryFile(emptySif({ uuid: new Uint8Array(16), time: 5n, capacity: 6 }));
      const contents = new Map<number, Uint8Array>();
      for (const s of steps) {
        if (s.kind === "delete") {
          const victim = file.image.objects[s.which];
          if (victim === undefined) continue;
          file.apply(planDelete(file.image, victim.id, 6n));
          contents.delete(victim.id);
        } else if (file.image.objects.length < 6) {
          const extra = partition(4, 3, "02");
          const { alignment } = s;
          const type = s.isPartition ? { dataType: 0x4004, extra } : { dataType: 0x4007 };
          const options = alignment === undefined ? {} : { alignment };
          const before = new Set(file.image.objects.map((o) => o.id));
          file.add({ ...type, ...options, group: 1 }, s.content);
          const id = file.image.objects.find((o) => !before.has(o.id))?.id ?? 0;
          contents.set(id, s.content);
        }
      }
      const read = readSif(memorySource(file.bytes));
      expect(read).toEqual(file.image);
      for (const o of read.objects) {
        const stored = Buffer.from(file.bytes.slice(o.offset, o.offset + o.sizeBytes));
        expect(stored).toEqual(Buffer.from(contents.get(o.id) ?? "missing"));
      }
    }),
  );
});
