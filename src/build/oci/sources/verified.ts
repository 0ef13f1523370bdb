import { Fault } from "../../../base/fault.ts";

/** What bytes have to be; `sizeBytes` absent where it is not known beforehand. */
export interface Expected {
  /** `sha256:…`. */
  readonly digest: string;
  readonly sizeBytes: number | undefined;
}

/**
 * The pieces of a blob. The last one only comes when size and digest are right; throws a Fault
 * `invalid` otherwise.
 *
 * @param where in messages: `layer sha256:… of oci:dir`.
 */
export async function* verified(
  pieces: AsyncIterable<Uint8Array>,
  expected: Expected,
  where: string,
): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher("sha256");
  let sizeBytes = 0;
  let held: Uint8Array | undefined;
  const wrong = (why: string): Fault =>
    new Fault("invalid", `Cannot use the ${where}: ${why}`, {
      hint: "the image is damaged; fetch or make it again",
    });
  for await (const piece of pieces) {
    if (held !== undefined) yield held;
    hasher.update(piece);
    sizeBytes += piece.length;
    if (expected.sizeBytes !== undefined && sizeBytes > expected.sizeBytes) {
      throw wrong(`it has more than the ${expected.sizeBytes} bytes that it should have`);
    }
    held = piece;
  }
  if (expected.sizeBytes !== undefined && sizeBytes !== expected.sizeBytes) {
    throw wrong(`it has ${sizeBytes} bytes instead of ${expected.sizeBytes}`);
  }
  const digest = `sha256:${hasher.digest("hex")}`;
  if (digest !== expected.digest) throw wrong(`its digest is ${digest}`);
  if (held !== undefined) yield held;
}

/** All bytes of a small blob. */
export async function collect(
  pieces: AsyncIterable<Uint8Array>,
  limitBytes: number,
  where: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    chunks.push(piece);
    length += piece.length;
    if (length > limitBytes) {
      throw new Fault("invalid", `Cannot read the ${where}: it has more than ${limitBytes} bytes`);
    }
  }
  return Buffer.concat(chunks);
}
