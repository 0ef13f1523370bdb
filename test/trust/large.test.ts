import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { memorySource } from "../../src/base/byte-source.ts";
import { readSif } from "../../src/format/sif/image.ts";
import { DataDigests } from "../../src/trust/data-digests.ts";
import { localSignedImage } from "../../src/trust/signed-image.ts";
import { desk } from "./signer.ts";

const { dir, skiff } = desk();
// Neither is a multiple of what is read at once.
const SIZES = [(9 << 20) + 1, (17 << 20) - 7] as const;
const OWNER = ["-N", "Large", "-E", "large@example.org", "-C", "", "-P", "", "-b", "2048"];

let made: Promise<Uint8Array<ArrayBuffer>> | undefined;
/** A signed image with two large objects; its bytes. */
function signed(): Promise<Uint8Array<ArrayBuffer>> {
  made ??= (async () => {
    await skiff(["key", "newpair", ...OWNER, "--push=false"]);
    await skiff(["sif", "new", "large.sif"]);
    for (const [at, size] of SIZES.entries()) {
      const bytes = new Uint8Array(size).map((_, i) => (i >> 9) * (at + 7));
      writeFileSync(`${dir}/object`, bytes);
      await skiff(["sif", "add", "--datatype", "7", "--groupid", "1", "large.sif", "object"]);
    }
    expect(await skiff(["-q", "sign", "large.sif"])).toMatchObject({ code: 0 });
    return new Uint8Array(readFileSync(`${dir}/large.sif`));
  })();
  return made;
}

test("large objects are verified, and a changed byte of any of them is found", async () => {
  const bytes = await signed();
  expect(await skiff(["verify", "large.sif"])).toMatchObject({ code: 0 });
  const { objects } = readSif(memorySource(bytes));
  for (const [at, place] of [
    [0, 0],
    [0, SIZES[0] - 1],
    [1, 3 << 20],
    [1, SIZES[1] - 1],
  ] as const) {
    const changed = bytes.slice();
    const offset = (objects[at]?.offset ?? 0) + place;
    changed[offset] = (changed[offset] ?? 0) ^ 1;
    writeFileSync(`${dir}/changed.sif`, changed);
    const found = await skiff(["verify", "changed.sif"]);
    expect(found).toMatchObject({ code: 6 });
    expect(found.stdout).toContain(`altered: data object integrity compromised: ${at + 1}`);
  }
});

test("DataDigests gives all hashes of large objects from one reading, begun early or not", async () => {
  const bytes = await signed();
  const source = memorySource(bytes);
  const fd = openSync(`${dir}/large.sif`, "r");
  try {
    const image = localSignedImage(readSif(source), source, fd);
    for (const isEarly of [true, false]) {
      const digests = new DataDigests(image, ["sha256", "sha512", "unheard"]);
      if (isEarly) digests.begin(image.sif.objects);
      for (const object of image.sif.objects) {
        const data = bytes.subarray(object.offset, object.offset + object.sizeBytes);
        for (const hash of ["sha512", "sha256"]) {
          const expected = createHash(hash).update(data).digest("hex");
          expect(await digests.of(object, hash)).toBe(expected);
        }
        expect(await digests.of(object, "unheard")).toBe("");
      }
      digests.stop();
    }
  } finally {
    closeSync(fd);
  }
});

test("DataDigests says when a file has become shorter while it was read", async () => {
  const source = memorySource(await signed());
  writeFileSync(`${dir}/short.sif`, await signed());
  const fd = openSync(`${dir}/short.sif`, "r");
  try {
    const image = localSignedImage(readSif(source), source, fd);
    const [first, second] = image.sif.objects;
    if (first === undefined || second === undefined) throw new Error("objects are missing");
    truncateSync(`${dir}/short.sif`, second.offset + (9 << 20));
    const digests = new DataDigests(image, ["sha256"]);
    digests.begin([first, second]);
    expect(await digests.of(first, "sha256")).toHaveLength(64);
    expect(digests.of(second, "sha256")).rejects.toThrow("the file has become shorter");
  } finally {
    closeSync(fd);
  }
});
