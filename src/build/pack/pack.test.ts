import { expect, test } from "bun:test";
import { memoryView } from "../../../test/support/memory-view.ts";
import {
  DATA_DEFFILE,
  DATA_JSON,
  DATA_PARTITION,
  FS_SQUASHFS,
  PART_PRIMARY,
} from "../../format/sif/codes.ts";
import { descriptorName } from "../../format/sif/descriptor.ts";
import { encodePartitionExtra } from "../../format/sif/extra.ts";
import { readSif } from "../../format/sif/image.ts";
import { elfArchitecture, rootArchitecture } from "./architecture.ts";
import { layoutSif } from "./sif-layout.ts";

const NONE = new Uint8Array(0);

test("layoutSif() places objects as the reference's worked example has them", () => {
  const partition = encodePartitionExtra({
    fsType: FS_SQUASHFS,
    partType: PART_PRIMARY,
    arch: "02",
  });
  const { head, offsets } = layoutSif(
    [
      { dataType: DATA_DEFFILE, name: "", sizeBytes: 184, extra: NONE },
      { dataType: DATA_JSON, name: "inspect-metadata.json", sizeBytes: 1465, extra: NONE },
      { dataType: DATA_PARTITION, name: "", sizeBytes: 69632, extra: partition },
    ],
    new Uint8Array(16),
    1795362202n,
  );
  expect(offsets).toEqual([32176, 32360, 36864]);
  const image = readSif({
    sizeBytes: 106496,
    read: (offset, length) => {
      const out = new Uint8Array(length);
      out.set(head.subarray(offset, offset + length));
      return out;
    },
  });
  expect(image.header.arch).toBe("02");
  expect([image.header.descriptorsFree, image.header.dataBytes]).toEqual([45, 74320]);
  expect(image.objects.map((o) => [o.id, descriptorName(o), o.sizeBytes, o.paddedBytes])).toEqual([
    [1, "", 184, 184],
    [2, "inspect-metadata.json", 1465, 1465],
    [3, "", 69632, 72671],
  ]);
});

const elf = (bits: number, order: number, machine: number): Uint8Array => {
  const bytes = new Uint8Array(20);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits, order]);
  bytes.set(order === 2 ? [machine >> 8, machine & 255] : [machine & 255, machine >> 8], 18);
  return bytes;
};

test.each([
  [2, 1, 62, "amd64"],
  [2, 1, 183, "arm64"],
  [1, 1, 3, "386"],
  [2, 2, 22, "s390x"],
  [2, 2, 21, "ppc64"],
  [2, 1, 21, "ppc64le"],
  [2, 1, 8, "mips64le"],
  [1, 2, 8, "mips"],
  [2, 1, 258, "loong64"],
  [2, 1, 9999, undefined],
])("elfArchitecture() of class %d, order %d, machine %d is %s", (bits, order, machine, arch) => {
  expect(elfArchitecture(elf(bits, order, machine))).toBe(arch);
});

test("rootArchitecture() follows links and passes over scripts", () => {
  expect(rootArchitecture(memoryView({ "/bin/sh": { file: "#!/x" } }))).toBeUndefined();
  const text = String.fromCharCode(...elf(2, 1, 62));
  const view = memoryView({
    "/bin": { link: "usr/bin" },
    "/usr/bin/sh": { link: "dash" },
    "/usr/bin/dash": { file: text },
  });
  expect(rootArchitecture(view)).toBe("amd64");
});
