import type { SifDescriptor } from "../format/sif/descriptor.ts";
import type { NamedDigest } from "../format/sif/signed-metadata.ts";
import type { SignedImage } from "./signed-image.ts";

/** Names of the hashes as the crypto library spells them, by their names in signatures. */
const LIBRARY_NAMES: Readonly<Record<string, Bun.SupportedCryptoAlgorithms>> = {
  sha224: "sha224",
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
  sha512_224: "sha512-224",
  sha512_256: "sha512-256",
  blake2s_256: "blake2s256",
  blake2b_256: "blake2b256",
};

/** A hash by its name in signatures; undefined for one that is not known. */
export function newHash(algorithm: string): Bun.CryptoHasher | undefined {
  const name = LIBRARY_NAMES[algorithm];
  return name === undefined ? undefined : new Bun.CryptoHasher(name);
}

/** Digest of bytes at hand, in hexadecimal; "" for a hash that is not known, which equals no digest. */
export function digestOf(bytes: Uint8Array, algorithm: string): string {
  return newHash(algorithm)?.update(bytes).digest("hex") ?? "";
}

/**
 * Digests of the data of objects. Each object is read once, however many signatures cover it: the
 * hashes of all of them run side by side.
 */
export class DataDigests {
  readonly #image: SignedImage;
  readonly #algorithms: ReadonlySet<string>;
  readonly #known: Map<number, ReadonlyMap<string, string>> = new Map();

  /** `algorithms`: all that will be asked for. */
  constructor(image: SignedImage, algorithms: Iterable<string>) {
    this.#image = image;
    this.#algorithms = new Set(algorithms);
  }

  /** The digest of an object's data by one of the algorithms, in hexadecimal. */
  async of(object: SifDescriptor, algorithm: string): Promise<string> {
    let found = this.#known.get(object.id);
    if (found === undefined) {
      found = await this.#read([object], this.#algorithms);
      this.#known.set(object.id, found);
    }
    return found.get(algorithm) ?? "";
  }

  /** The digest of the data of several objects, one after another. */
  async ofAll(objects: readonly SifDescriptor[], algorithm: string): Promise<string> {
    return (await this.#read(objects, [algorithm])).get(algorithm) ?? "";
  }

  async #read(
    objects: readonly SifDescriptor[],
    algorithms: Iterable<string>,
  ): Promise<ReadonlyMap<string, string>> {
    const hashes = new Map<string, Bun.CryptoHasher>();
    for (const name of algorithms) {
      const hash = newHash(name);
      if (hash !== undefined) hashes.set(name, hash);
    }
    for (const { offset, sizeBytes } of objects) {
      for await (const piece of this.#image.chunks(offset, sizeBytes)) {
        for (const hash of hashes.values()) hash.update(piece);
      }
    }
    return new Map([...hashes].map(([name, hash]) => [name, hash.digest("hex")]));
  }
}

/** Whether two digests are the same. */
export function isSame(digest: NamedDigest, hex: string): boolean {
  return hex !== "" && digest.hex === hex;
}
