import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { memorySource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { descriptorName } from "../sif/descriptor.ts";
import { isDeterministic } from "../sif/header.ts";
import { readSif } from "../sif/image.ts";
import { planOciSif } from "./change.ts";
import { configWithLayers, manifestWith, type NamedLayer, textsOf } from "./image-texts.ts";
import { distinctLayers, firstLayerOffset, layoutOciSif } from "./layout.ts";
import { EXT3_LAYER, SQUASHFS_LAYER } from "./media-types.ts";
import { isOciSif, type OciSif, readOciSif } from "./oci-sif.ts";
import { relayer } from "./relayer.ts";

const sha256 = (bytes: Uint8Array): string =>
  `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const CONFIG = encode('{"architecture":"amd64","os":"linux","config":{"Cmd":["x"]}}');

interface Layer extends NamedLayer {
  readonly bytes: Uint8Array;
}

function layer(text: string, mediaType: string = SQUASHFS_LAYER): Layer {
  const bytes = encode(text);
  return { bytes, mediaType, digest: sha256(bytes), sizeBytes: bytes.length };
}

/** The bytes of an OCI-SIF. */
function write(layers: readonly Layer[], change: (manifest: string) => string = (text) => text) {
  const diffIds = layers.map(({ digest }) => digest);
  const config = configWithLayers(CONFIG, diffIds, undefined, "test");
  const made = manifestWith({ bytes: config, digest: sha256(config) }, layers, undefined);
  const bytes = encode(change(new TextDecoder().decode(made)));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const texts = textsOf(config, { bytes, mediaType }, sha256);
  const distinct = distinctLayers(layers);
  const { head, offsets } = layoutOciSif(distinct, texts, layers.length);
  const parts = [...distinct, texts.config, texts.manifest, texts.index].map(({ bytes }) => bytes);
  const out = new Uint8Array((offsets.at(-1) ?? 0) + (parts.at(-1)?.length ?? 0));
  out.set(head);
  for (const [i, part] of parts.entries()) out.set(part, offsets[i] ?? 0);
  return out;
}

function read(bytes: Uint8Array): OciSif {
  const source = memorySource(bytes);
  return readOciSif(readSif(source), source, sha256);
}

function whyNot(bytes: Uint8Array): string {
  try {
    read(bytes);
  } catch (error) {
    if (error instanceof Fault) return `${error.code}: ${error.message}`;
  }
  return "";
}

describe("an OCI-SIF", () => {
  const two = [layer("lower"), layer("upper"), layer("overlay", EXT3_LAYER)];

  test("is laid out as the peer does", () => {
    const image = readSif(memorySource(write(two)));
    expect(isOciSif(image)).toBe(true);
    expect(isDeterministic(image.header)).toBe(true);
    expect(image.header.descriptorsTotal).toBe(two.length + 3 + 8);
    expect(image.objects.map(({ dataType }) => dataType)).toEqual([
      ...[0x400b, 0x400b, 0x400b, 0x400b, 0x400b, 0x400a],
    ]);
    expect(image.objects[0]?.offset).toBe(firstLayerOffset(two.length));
    // Nothing is aligned or has a name.
    for (const [i, object] of image.objects.entries()) {
      const next = image.objects[i + 1];
      if (next !== undefined) expect(next.offset).toBe(object.offset + object.sizeBytes);
      expect(descriptorName(object)).toBe("");
    }
  });

  test("is read as it was written", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 }),
        (texts) => {
          const layers = texts.map((text) => layer(text));
          const found = read(write(layers));
          expect(found.layers.map(({ digest }) => digest)).toEqual(layers.map((one) => one.digest));
          expect(found.layers.map(({ kind }) => kind)).toEqual(layers.map(() => "squashfs"));
        },
      ),
    );
  });

  test("holds a layer once that the image names twice", () => {
    const image = readSif(memorySource(write([layer("same"), layer("same")])));
    expect(image.objects).toHaveLength(4);
  });

  test("is refused when texts or layers are damaged or missing", () => {
    const good = write(two);
    const at = (needle: string): number =>
      new TextDecoder("latin1").decode(good).lastIndexOf(needle);
    const broken = (where: number): Uint8Array => {
      const bytes = good.slice();
      bytes[where] = (bytes[where] ?? 0) ^ 1;
      return bytes;
    };
    expect(whyNot(broken(at('"architecture"') + 3))).toMatch(/^invalid: .* has the digest sha256/);
    expect(whyNot(broken(at('"layers"') + 3))).toMatch(/^invalid: .* manifest has the digest/);
    expect(whyNot(broken(4096 + 201 + 20))).toMatch(/^invalid: .* layer 1 of 3 .* is missing/);
    const other = write(two, (text) => text.replace(SQUASHFS_LAYER, "text/html"));
    expect(whyNot(other)).toMatch(/^unsupported: .* layer 1 of 3 has the media type "text\/html"/);
    const swapped = write([layer("overlay", EXT3_LAYER), layer("top")]);
    expect(whyNot(swapped)).toMatch(/^unsupported: .* layer 1 of 2 has the media type/);
    const html = write(two, () => "<!doctype html><html>sign in</html>");
    expect(whyNot(html)).toMatch(/^invalid: .*an HTML page stands in its place/);
    expect(whyNot(write([]))).toMatch(/^invalid: .* names no layers/);
  });

  test("never makes a reader crash, whatever is damaged", () => {
    const good = write(two);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (where, value) => {
        const bytes = good.slice();
        bytes[where] = value;
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("planOciSif()", () => {
  const NOW = 1_700_000_000n;

  /** The file after a change. */
  function changed(bytes: Uint8Array, next: Layer): Uint8Array {
    const source = memorySource(bytes);
    const image = readSif(source);
    const oci = readOciSif(image, source, sha256);
    const top = oci.layers.at(-1);
    const isNew = top?.kind !== "ext3";
    const layers = isNew ? [...oci.layers, next] : [...oci.layers.slice(0, -1), next];
    const texts = relayer(oci, layers, sha256);
    const plan = planOciSif(
      image,
      oci,
      isNew
        ? { texts, added: next }
        : { texts, redigested: { id: top?.object.id ?? 0, digest: next.digest } },
      NOW,
    );
    const out = new Uint8Array(Math.max(bytes.length, plan.endBytes));
    out.set(bytes);
    const place = isNew ? (plan.layerOffset ?? 0) : (top?.object.offset ?? 0);
    out.set(next.bytes, place);
    for (const piece of plan.pieces) out.set(piece.bytes, piece.offset);
    // Until the table is written the old image is whole.
    if (isNew) expect(read(out).layers).toHaveLength(oci.layers.length);
    out.set(plan.start);
    return out.slice(0, plan.endBytes);
  }

  test("adds an overlay, keeps all that stays, and changes its digest in place", () => {
    const before = write([layer("lower"), layer("upper")]);
    const first = changed(before, layer("overlay 1", EXT3_LAYER));
    const found = read(first);
    expect(found.layers.map(({ kind }) => kind)).toEqual(["squashfs", "squashfs", "ext3"]);
    expect(found.layers[2]?.object.offset).toBe(4096 * Math.ceil(before.length / 4096));
    const second = changed(first, layer("overlay 2", EXT3_LAYER));
    expect(read(second).layers[2]?.digest).toBe(layer("overlay 2").digest);
    expect(read(second).layers[2]?.object.offset).toBe(found.layers[2]?.object.offset ?? -1);
  });

  test("uses the room of old texts again", () => {
    let bytes = changed(write([layer("lower")]), layer("overlay 0", EXT3_LAYER));
    const lengths: number[] = [];
    for (let i = 1; i < 7; i++) {
      bytes = changed(bytes, layer(`overlay ${i}`, EXT3_LAYER));
      lengths.push(bytes.length);
    }
    expect(new Set(lengths).size).toBe(2);
  });
});
