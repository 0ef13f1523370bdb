import { encodeOsText } from "../../base/os-text.ts";
import type { PathStamp } from "../../host/path-stamp.ts";

/**
 * A remembered launch, as the launcher reads it (launcher/record.c).
 *
 *   file   = head, count × stamp, texts, ops              each padded to words with zeros
 *   head   = "SKRP", version, checksum (2 words), size of all, expiry (2 words),
 *            count of stamps, whether all variables pass, words from the image on, counts of pass,
 *            dropped, fixed, replaced and said, bytes of texts, bytes of ops
 *   stamp  = flags (1: the path's content counts, 2: it was asked whether the path may be written to,
 *            4: it may), 14 words for the path, 14 for what a link leads to (host/path-stamp.ts)
 *   texts  = target, paths, pass, dropped, fixed, replaced, said: each text with a NUL behind it
 *
 * The target is the starter of a launch. A launch of an image by an address has a record that leads to
 * another launch instead, that of the image's path: then the target is that path, words of the command
 * line are counted, and for operations stands the question for the image's registry.
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

/** What an address stood for, and how to find out whether it still does. */
export interface AddressRecord {
  readonly stamps: readonly PathStamp[];
  /** Of the image in the cache. */
  readonly path: string;
  /** Words of the command line from the image on, its own included. */
  readonly imageWords: number;
  /** Lines that the user is told on standard error, with their ends. */
  readonly said: readonly string[];
  readonly expiresMs: number;
  /** Who asks and what (question.ts); empty when no server has to be asked. */
  readonly question: Uint8Array;
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
const VERSION = 6;
const HEAD_WORDS = 17;
const STAMP_WORDS = 29;
const CONTENT = 1;
const ASKED = 2;
const WRITABLE = 4;
/** Words before it are not part of the checksum. */
const CHECKED_FROM = 4;

/** The file's bytes for a launch. */
export function encodeRecord({ stamps, starter, env, expiresMs, ops }: LaunchRecord): Uint8Array {
  const { dropped, replaced } = env;
  const pass = env.pass === "all" ? [] : env.pass;
  const fixed = env.fixed.map((entry) =>
    typeof entry === "string" ? `=${entry}` : `<${entry[0]}=${entry[1]}`,
  );
  const lists = { pass, dropped, fixed, replaced, said: [] };
  const passAll = env.pass === "all";
  return encode({ stamps, target: starter, expiresMs, passAll, imageWords: 0, lists, ops });
}

/** The file's bytes for an address. */
export function encodeAddress(address: AddressRecord): Uint8Array {
  const { stamps, path, imageWords, said, expiresMs, question } = address;
  const lists = { pass: [], dropped: [], fixed: [], replaced: [], said };
  const target = path;
  return encode({ stamps, target, expiresMs, passAll: false, imageWords, lists, ops: question });
}

interface Fields {
  readonly stamps: readonly PathStamp[];
  readonly target: string;
  readonly expiresMs: number;
  readonly passAll: boolean;
  readonly imageWords: number;
  readonly lists: Readonly<
    Record<"pass" | "dropped" | "fixed" | "replaced" | "said", readonly string[]>
  >;
  readonly ops: Uint8Array;
}

function encode(fields: Fields): Uint8Array {
  const { stamps, target, expiresMs, passAll, imageWords, lists, ops } = fields;
  const paths = stamps.map(({ path }) => path);
  const inOrder = [lists.pass, lists.dropped, lists.fixed, lists.replaced, lists.said];
  const all = [[target], paths, ...inOrder].flat();
  const texts = encodeOsText(all.map((text) => `${text}\0`).join(""));
  const textWord = HEAD_WORDS + STAMP_WORDS * stamps.length;
  const opsWord = textWord + wordsFor(texts);
  const words = new Uint32Array(opsWord + wordsFor(ops));
  const bytes = new Uint8Array(words.buffer);
  words.set([MAGIC, VERSION, 0, 0, bytes.length, expiresMs % 2 ** 32, expiresMs / 2 ** 32]);
  words.set([stamps.length, passAll ? 1 : 0, imageWords], 7);
  words.set([...inOrder.map((list) => list.length), texts.length, ops.length], 10);
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
