import { encodeOsText } from "../../base/os-text.ts";
import type { PathStamp } from "../../host/path-stamp.ts";

/**
 * A remembered launch, as the launcher reads it (launcher/record.c).
 *
 *   file   = head, count × stamp, texts, ops              each padded to words with zeros
 *   head   = "SKRP", version, checksum (2 words), size of all, expiry (2 words),
 *            count of stamps, whether all variables pass, counts of pass, dropped, fixed and
 *            replaced, bytes of texts, bytes of ops
 *   stamp  = flags (1: the path's content counts, 2: it was asked whether the path may be written to,
 *            4: it may), 14 words for the path, 14 for what a link leads to (host/path-stamp.ts)
 *   texts  = starter, paths, pass, dropped, fixed, replaced: each text with a NUL behind it
 *
 * Little-endian words. A file that was not written whole, or by another version, is as good as none.
 */
export interface LaunchRecord {
  /** What planning looked at, and what each gave. The launch is the same as long as all stamps are. */
  readonly stamps: readonly PathStamp[];
  readonly starter: string;
  readonly env: RecordedEnvironment;
  /** Milliseconds since 1970 until which it holds: name services have no stamp. */
  readonly expiresMs: number;
  readonly ops: Uint8Array;
}

/** The program's environment as operations on the caller's. */
export interface RecordedEnvironment {
  /** Names of the caller's variables that pass through; "all": every one that is not in `fixed` or `dropped`. */
  readonly pass: "all" | readonly string[];
  readonly dropped: readonly string[];
  /** `NAME=value` as it is, or a pair: the name, and whose value in the caller's environment it takes. */
  readonly fixed: readonly (string | readonly [name: string, from: string])[];
  /** Names in `fixed` that the caller had, too: a launch with others of them is another launch. */
  readonly replaced: readonly string[];
}

const MAGIC = 0x50524b53;
const VERSION = 5;
const HEAD_WORDS = 15;
const STAMP_WORDS = 29;
const CONTENT = 1;
const ASKED = 2;
const WRITABLE = 4;
/** Words before it are not part of the checksum. */
const CHECKED_FROM = 4;

/** The file's bytes. */
export function encodeRecord({ stamps, starter, env, expiresMs, ops }: LaunchRecord): Uint8Array {
  const pass = env.pass === "all" ? [] : env.pass;
  const fixed = env.fixed.map((entry) =>
    typeof entry === "string" ? `=${entry}` : `<${entry[0]}=${entry[1]}`,
  );
  const paths = stamps.map(({ path }) => path);
  const lists = [[starter], paths, pass, env.dropped, fixed, env.replaced];
  const texts = encodeOsText(lists.flatMap((list) => list.map((text) => `${text}\0`)).join(""));
  const textWord = HEAD_WORDS + STAMP_WORDS * stamps.length;
  const opsWord = textWord + wordsFor(texts);
  const words = new Uint32Array(opsWord + wordsFor(ops));
  const bytes = new Uint8Array(words.buffer);
  words.set([MAGIC, VERSION, 0, 0, bytes.length, expiresMs % 2 ** 32, expiresMs / 2 ** 32]);
  words.set([stamps.length, env.pass === "all" ? 1 : 0, pass.length], 7);
  words.set([env.dropped.length, fixed.length, env.replaced.length, texts.length, ops.length], 10);
  stamps.forEach(({ use, writable, words: stamp }, i) => {
    const asked = writable === undefined ? 0 : writable ? ASKED | WRITABLE : ASKED;
    words[HEAD_WORDS + STAMP_WORDS * i] = (use === "content" ? CONTENT : 0) | asked;
    words.set(stamp, HEAD_WORDS + STAMP_WORDS * i + 1);
  });
  bytes.set(texts, 4 * textWord);
  bytes.set(ops, 4 * opsWord);
  words.set(checksum(words), 2);
  return bytes;
}

const wordsFor = (bytes: Uint8Array): number => Math.ceil(bytes.length / 4);

/** Two mixes of all words behind the checksum itself. */
export function checksum(words: Uint32Array): readonly [number, number] {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = CHECKED_FROM; i < words.length; i++) {
    const word = words[i] as number;
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(((b << 5) | (b >>> 27)) + word, 0x85ebca6b);
  }
  return [a, b];
}
