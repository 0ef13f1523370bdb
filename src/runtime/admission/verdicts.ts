import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { ByteSource } from "../../base/byte-source.ts";
import { changedSeconds, stampPath } from "../../host/path-stamp.ts";
import type { Survey } from "../../trust/admission/survey.ts";

/*
 * What is known about images, so that an image is read once and not at every launch:
 *
 *   FOLDER/files/STAMP      the digest of a file, as long as it is the same file unchanged
 *   FOLDER/DIGEST-KEYS      what came of its signatures with those keys
 *
 * Written with node:fs: what lies here must not count as something that a launch depends on.
 */

/** A file changed this recently could change again without its stamp showing it. */
const SETTLED_SECONDS = 2;
const CHUNK_BYTES = 1024 * 1024;
const HOLDS_MS = 24 * 3600_000;

/** The digest of a file's content, SHA-256 in hexadecimal: remembered, or read. */
export function contentDigest(folder: string, path: string, source: ByteSource): string {
  const { words } = stampPath(path, "content");
  const name = new Bun.CryptoHasher("sha256").update(path).update(words).digest("hex");
  const known = readText(`${folder}/files/${name}`);
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
  const hash = new Bun.CryptoHasher("sha256");
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) {
    hash.update(source.read(at, Math.min(CHUNK_BYTES, source.sizeBytes - at)));
  }
  const digest = hash.digest("hex");
  const isSettled = changedSeconds(path) < Math.floor(Date.now() / 1000) - SETTLED_SECONDS;
  if (isSettled) keep(`${folder}/files`, name, digest);
  return digest;
}

/** What came of the signatures of an image with that content, by keys of that digest: remembered, or found out. */
export async function remembered(
  folder: string,
  digest: string,
  keysDigest: string,
  find: () => Promise<Survey>,
): Promise<Survey> {
  const name = `${digest}-${keysDigest}`;
  const known = isFresh(`${folder}/${name}`) ? readText(`${folder}/${name}`) : undefined;
  // Written by this program, whole.
  if (known !== undefined) return JSON.parse(known) as Survey;
  const survey = await find();
  keep(folder, name, JSON.stringify(survey));
  return survey;
}

/** Keys expire and are revoked: what came of signatures holds for a day. */
function isFresh(path: string): boolean {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.abs(Date.now() - written) < HOLDS_MS;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not known yet.
    return undefined;
  }
}

/** Whole or not at all; where it cannot be written it is found out again next time. */
function keep(folder: string, name: string, text: string): void {
  const temporary = `${folder}/.${name}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, `${folder}/${name}`);
  } catch {
    // A cache that is full or not writable is no reason to refuse an image.
    rmSync(temporary, { force: true });
  }
}
