import { Fault } from "../../base/fault.ts";
import type { LibraryReference } from "../../format/oci/image-address.ts";
import { noteReference } from "../../image/cache/image-store.ts";
import { type CachePlaces, imagePath } from "../../image/cache/places.ts";
import { findVerified, obtainFile, touchEntry } from "../../image/cache/verified-file.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import { type PartChoice, streamParts } from "../http/stream-parts.ts";
import { type RangedRequest, streamRanged } from "../http/stream-ranged.ts";
import type { TransferHooks } from "../oci/open-image.ts";

/** A library service to ask. */
export interface LibraryPlace {
  /** Address, without a slash at the end. */
  readonly base: string;
  /** Token of the log-in there; "" for none. */
  readonly token: string;
  /** Address of the service that it is a part of. */
  readonly service: string;
}

export interface LibraryImageOptions {
  readonly http: HttpClient;
  readonly place: LibraryPlace;
  readonly image: LibraryReference;
  /** As the user wrote it. */
  readonly text: string;
  /** GOARCH name. */
  readonly arch: string;
  readonly places: CachePlaces;
  readonly parts: PartChoice;
  readonly hooks: TransferHooks;
}

/** A SIF in a library. */
export interface LibraryImage {
  readonly sizeBytes: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
  readonly isCached: boolean;
  /** "" for none. */
  readonly description: string;
  /** Path in the cache; fetched first when it is not there. */
  fetch(): Promise<string>;
  /** The bytes from an offset to `end`, unchecked, without the cache. */
  range(offset: number, end: number): AsyncIterable<Uint8Array>;
}

const LIMIT_BYTES = 1 << 20;

/**
 * Looks an image up in a library by one request (reference: library-api.md section 5), two where the
 * library does not say how long it is. Throws a Fault.
 */
export async function openLibraryImage(options: LibraryImageOptions): Promise<LibraryImage> {
  const { arch, hooks, http, image, place, places, text } = options;
  const authorization = place.token === "" ? undefined : `Bearer ${place.token}`;
  const name = `${image.path}:${image.tags[0] ?? "latest"}?arch=${encodeURIComponent(arch)}`;
  const answer = await http.send({ url: `${place.base}/v1/images/${name}`, authorization });
  if (!answer.ok) throw await faultOf(answer, options);
  const { description, hash, ...said } = readImage(
    new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, `the answer about ${text}`)),
    options,
  );
  const open = fileOpener(options, name, authorization);
  const sizeBytes = said.sizeBytes ?? (await askSize(open, options));
  const levels = [places.root, places.shared].filter((level) => level !== undefined);
  const what = `the image of ${text}`;
  const request: RangedRequest = {
    http,
    sizeBytes,
    what,
    note: (line) => hooks.note?.(line),
    open,
  };
  const wanted = {
    digest: hash.replace(".", ":"),
    sizeBytes,
    candidates: levels.map((level) => imagePath(level, "library", hash)),
    what,
    source: (offset: number) => streamParts(request, offset, options.parts),
  };
  return {
    sizeBytes,
    sha256: hash.slice("sha256.".length),
    description,
    isCached: findVerified(places, wanted) !== undefined,
    range: (offset, end) => streamRanged(request, offset, end),
    fetch: async () => {
      const path = await obtainFile(places, wanted, {
        onBytes: (done) => hooks.onBytes?.(done, sizeBytes),
        onWait: (state) => hooks.onWait?.(state),
        signal: hooks.signal,
        twin: hooks.twin,
      });
      touchEntry(path);
      noteReference(places, { kind: "library", name: hash }, text);
      return path;
    },
  };
}

/**
 * Asks for the file; where it lies elsewhere, that place is remembered for the following parts. It gets
 * the token only when it is the library's own.
 */
function fileOpener(
  options: LibraryImageOptions,
  name: string,
  authorization: string | undefined,
): (headers: Readonly<Record<string, string>>) => Promise<Response> {
  const { http, place } = options;
  const own = `${place.base}/v1/imagefile/${name}`;
  let found: string | undefined;
  return async (headers) => {
    if (found !== undefined) {
      const isOwn = new URL(found).origin === new URL(own).origin;
      const part = await http.send({
        url: found,
        headers,
        ...(isOwn ? { authorization } : {}),
      });
      if (part.ok) return part;
      // Signed addresses are good for a time only.
      await part.body?.cancel();
      found = undefined;
    }
    const file = await http.send({ url: own, headers, authorization });
    if (!file.ok) throw await faultOf(file, options);
    if (file.url !== "" && file.url !== own) found = file.url;
    return file;
  };
}

/** The length of the file by what the answer to a request for its first byte says. */
async function askSize(
  open: ReturnType<typeof fileOpener>,
  options: LibraryImageOptions,
): Promise<number> {
  const answer = await open({ range: "bytes=0-0" });
  await answer.body?.cancel();
  const [, total] = /\/([0-9]+)$/.exec(answer.headers.get("content-range") ?? "") ?? [];
  const length = answer.status === 200 ? answer.headers.get("content-length") : undefined;
  const sizeBytes = Number(total ?? length ?? 0);
  return isLength(sizeBytes) ? sizeBytes : refuse(options, "does not say how long it is");
}

function isLength(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function refuse({ place, text }: LibraryImageOptions, why: string): never {
  throw new Fault("invalid", `Cannot use ${text}: ${place.base} ${why}`);
}

function readImage(
  text: string,
  options: LibraryImageOptions,
): {
  readonly hash: string;
  /** Undefined when it is not said. */
  readonly sizeBytes: number | undefined;
  readonly description: string;
} {
  let data: Readonly<Record<string, unknown>> | undefined;
  try {
    data = (JSON.parse(text) as { readonly data?: Readonly<Record<string, unknown>> }).data;
  } catch {
    refuse(options, /^\s*</.test(text) ? "answers an HTML page" : "answers no JSON");
  }
  const { description, hash, size, uploaded } = data ?? {};
  // It becomes part of a path.
  if (typeof hash !== "string" || !/^sha256\.[0-9a-f]{64}$/.test(hash)) {
    return refuse(options, "names no digest for it");
  }
  if (uploaded === false) refuse(options, "has it announced but not uploaded");
  const sizeBytes = isLength(size) ? size : undefined;
  const words = typeof description === "string" ? description : "";
  return { hash, sizeBytes, description: words };
}

async function faultOf(answer: Response, options: LibraryImageOptions): Promise<HttpFault> {
  const { place, text, arch } = options;
  const said = await readErrorBody(answer);
  const detail = said === "" ? "" : `: ${said}`;
  if (answer.status === 404) {
    return new HttpFault(404, `Cannot use ${text}: image does not exist in the library (404)`, {
      hint: `see to the spelling, and whether it is there for ${arch}`,
    });
  }
  const isRefused = answer.status === 401 || answer.status === 403;
  return new HttpFault(
    answer.status,
    `Cannot use ${text}: ${place.base} answers ${answer.status}${detail}`,
    isRefused ? { hint: "log in with: remote login" } : {},
  );
}
