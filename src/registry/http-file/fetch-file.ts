import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { findImage, type ImageEntry, obtainImage } from "../../image/cache/image-store.ts";
import { dropPartial, leavePartial, takePartial } from "../../image/cache/partial.ts";
import type { CachePlaces } from "../../image/cache/places.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody, show } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readPieces } from "../http/read-body.ts";
import type { TransferHooks } from "../oci/open-image.ts";

/** An image file on a web server. */
export interface HttpFile {
  /** Absent when the server does not say. */
  readonly sizeBytes: number | undefined;
  readonly isCached: boolean;
  /** Path in the cache; fetched first when it is not there. */
  fetch(): Promise<string>;
}

const MOST_BREAKS = 5;

/**
 * Asks for a file by one HEAD request. URL and time of change (or entity tag) name it in the cache;
 * without either of these it is fetched each time.
 */
export async function openHttpFile(
  http: HttpClient,
  url: string,
  places: CachePlaces,
  hooks: TransferHooks,
): Promise<HttpFile> {
  const answer = await http.send({ url, method: "HEAD" });
  // Some servers answer GET only.
  const isSilent = answer.status === 405 || answer.status === 501 || answer.status === 403;
  if (!answer.ok && !isSilent) throw await faultOf(answer, url);
  const length = answer.ok ? answer.headers.get("content-length") : null;
  const sizeBytes = length === null ? undefined : Number(length);
  const changed = answer.headers.get("last-modified") ?? answer.headers.get("etag");
  const isKnown = answer.ok && changed !== null;
  const key = new Bun.CryptoHasher("sha256")
    .update(url + (isKnown ? changed : `${Date.now()} ${crypto.randomUUID()}`))
    .digest("hex");
  const entry = { kind: "net", name: key } as const;
  const etag = answer.headers.get("etag");
  const validator = etag?.startsWith('"') ? etag : answer.headers.get("last-modified");
  const reference = show(new URL(url));
  return storedFile(http, { url, entry, reference, sizeBytes, validator, isKnown }, places, hooks);
}

/** A file on a web server, and what it is called in the cache. */
export interface FileToStore {
  readonly url: string;
  readonly entry: ImageEntry;
  /** What `cache list` shows it was made from. */
  readonly reference: string;
  readonly sizeBytes: number | undefined;
  /** For If-Range: a strong entity tag or a time of change. */
  readonly validator: string | null;
  /** Whether the name in the cache stands for the content, so that a broken download can go on later. */
  readonly isKnown: boolean;
}

/** The file in the cache, or how it gets there. */
export function storedFile(
  http: HttpClient,
  file: FileToStore,
  places: CachePlaces,
  hooks: TransferHooks,
): HttpFile {
  const { url, entry, reference, sizeBytes, validator, isKnown } = file;
  const key = new Bun.CryptoHasher("sha256").update(`${entry.kind} ${entry.name}`).digest("hex");
  return {
    sizeBytes,
    isCached: findImage(places, entry) !== undefined,
    fetch: () =>
      obtainImage(
        places,
        entry,
        { reference },
        async (path, tell) => {
          const partial = takePartial(places.root, key, sizeBytes ?? Number.MAX_SAFE_INTEGER);
          try {
            await download(http, { url, path: partial, sizeBytes, validator }, hooks, tell);
            renameSync(partial, path);
          } catch (error) {
            // Without a validator nobody could tell that the rest belongs to it.
            if (isKnown) leavePartial(partial, places.root, key);
            else dropPartial(partial);
            throw error;
          }
        },
        { signal: hooks.signal, onWait: (state) => hooks.onWait?.(state) },
      ),
  };
}

interface Download extends Pick<FileToStore, "url" | "sizeBytes" | "validator"> {
  readonly path: string;
}

async function download(
  http: HttpClient,
  { url, path, sizeBytes: announced, validator }: Download,
  hooks: TransferHooks,
  tell: (done: number, total: number) => void,
): Promise<void> {
  const fd = openSync(path, "r+");
  try {
    let at = validator === null ? 0 : fstatSync(fd).size;
    let sizeBytes = announced;
    for (let breaks = 0; ; ) {
      if (at > 0 && at === sizeBytes) return;
      const answer = await http.send({
        url,
        headers: at === 0 ? {} : { range: `bytes=${at}-`, "if-range": validator ?? "" },
      });
      if (!answer.ok) throw await faultOf(answer, url);
      requireImage(answer, url);
      // The file has changed, or there are no ranges: from the beginning.
      if (answer.status !== 206) {
        at = 0;
        const length = answer.headers.get("content-length");
        if (length !== null) sizeBytes ??= Number(length);
      }
      ftruncateSync(fd, at);
      let isWhole = false;
      try {
        for await (const piece of readPieces(answer)) {
          for (let done = 0; done < piece.length; ) {
            done += writeSync(fd, piece, done, piece.length - done, at + done);
          }
          at += piece.length;
          breaks = 0;
          tell(at, sizeBytes ?? 0);
          hooks.onBytes?.(at, sizeBytes ?? 0);
        }
        isWhole = sizeBytes === undefined || at === sizeBytes;
      } catch (error) {
        if (error instanceof Fault || isDiskError(error)) throw error;
        http.throwIfStopped();
      }
      if (isWhole) return;
      if (sizeBytes !== undefined && at > sizeBytes) {
        throw new Fault("invalid", `Cannot fetch ${url}: more than ${sizeBytes} bytes came`);
      }
      breaks += 1;
      if (breaks > MOST_BREAKS) {
        throw new Fault("io", `Cannot fetch ${url}: the connection broke at byte ${at}`, {
          hint: "try again: it goes on where it ended",
        });
      }
      if (validator === null) at = 0;
      hooks.note?.(`The connection broke at byte ${at}: going on from there`);
      await http.sleep(200 * 2 ** breaks);
    }
  } finally {
    closeSync(fd);
  }
}

function isDiskError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG"].includes(code);
}

function requireImage(answer: Response, url: string): void {
  if (!/^text\/html\b/.test(answer.headers.get("content-type") ?? "")) return;
  throw new Fault("invalid", `Cannot use ${url}: it is a web page, not an image`, {
    hint: "give the address of the file itself",
  });
}

async function faultOf(answer: Response, url: string): Promise<HttpFault> {
  const said = await readErrorBody(answer);
  const where = show(new URL(url));
  return new HttpFault(
    answer.status,
    answer.status === 404
      ? `Cannot fetch ${where}: the requested image was not found (404)`
      : `Cannot fetch ${where}: the server answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
  );
}
