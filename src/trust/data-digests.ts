import { Fault } from "../base/fault.ts";
import type { SifDescriptor } from "../format/sif/descriptor.ts";
import type { NamedDigest } from "../format/sif/signed-metadata.ts";
import { type FileHash, hashFile } from "./hash-file.ts";
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

/** From here on a thread of its own, which takes 5 ms to start, is worth it. */
const LARGE_BYTES = 8 * 1024 * 1024;

/**
 * Digests of the data of objects. Each object is read once, however many signatures cover it: the
 * hashes of all of them run side by side. Large objects in files are hashed on threads of their own.
 */
export class DataDigests {
  readonly #image: SignedImage;
  readonly #algorithms: ReadonlySet<string>;
  readonly #known: Map<number, Promise<ReadonlyMap<string, string>>> = new Map();
  readonly #running = new Set<FileHash>();

  /** `algorithms`: all that will be asked for. */
  constructor(image: SignedImage, algorithms: Iterable<string>) {
    this.#image = image;
    this.#algorithms = new Set(algorithms);
  }

  /** Begins with the large ones of these objects, as many at a time as there are processors, before they are asked for. */
  begin(objects: readonly SifDescriptor[]): void {
    const large = objects.filter(({ sizeBytes }) => sizeBytes >= LARGE_BYTES);
    if (this.#image.fd === undefined) return;
    for (const object of large.slice(0, navigator.hardwareConcurrency)) {
      // Whoever asks for it is told what failed.
      this.#digestsOf(object).catch(() => {});
    }
  }

  /** Ends what is still going on. */
  stop(): void {
    for (const one of this.#running) one.stop();
    this.#running.clear();
  }

  /** The digest of an object's data by one of the algorithms, in hexadecimal. */
  async of(object: SifDescriptor, algorithm: string): Promise<string> {
    const known = (await this.#digestsOf(object)).get(algorithm);
    if (known !== undefined || newHash(algorithm) === undefined) return known ?? "";
    // One that nobody announced.
    return (await this.#read([object], [algorithm])).get(algorithm) ?? "";
  }

  /** The digest of the data of several objects, one after another. */
  async ofAll(objects: readonly SifDescriptor[], algorithm: string): Promise<string> {
    return (await this.#read(objects, [algorithm])).get(algorithm) ?? "";
  }

  #digestsOf(object: SifDescriptor): Promise<ReadonlyMap<string, string>> {
    let found = this.#known.get(object.id);
    if (found === undefined) {
      found = this.#read([object], this.#algorithms);
      this.#known.set(object.id, found);
    }
    return found;
  }

  async #read(
    objects: readonly SifDescriptor[],
    algorithms: Iterable<string>,
  ): Promise<ReadonlyMap<string, string>> {
    const { fd } = this.#image;
    const sizeBytes = objects.reduce((sum, one) => sum + one.sizeBytes, 0);
    if (fd !== undefined && sizeBytes >= LARGE_BYTES) {
      const found = await this.#readOnThread(fd, objects, algorithms);
      if (found !== undefined) return found;
    }
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

  /** Undefined where no thread can be had. */
  async #readOnThread(
    fd: number,
    objects: readonly SifDescriptor[],
    algorithms: Iterable<string>,
  ): Promise<ReadonlyMap<string, string> | undefined> {
    const names = [...algorithms].flatMap((name) => {
      const libraryName = LIBRARY_NAMES[name];
      return libraryName === undefined ? [] : [[name, libraryName] as const];
    });
    let hashing: FileHash | undefined;
    try {
      hashing = hashFile(fd, objects, new Map(names));
      this.#running.add(hashing);
      return await hashing.digests;
    } catch (error) {
      if (error instanceof Fault) throw error;
      return undefined;
    } finally {
      if (hashing !== undefined) this.#running.delete(hashing);
    }
  }
}

/** Whether two digests are the same. */
export function isSame(digest: NamedDigest, hex: string): boolean {
  return hex !== "" && digest.hex === hex;
}
