import { Fault } from "../../base/fault.ts";
import type { OciDescriptor } from "../../format/oci/manifest.ts";
import type { HttpClient } from "../http/client.ts";
import { readPieces } from "../http/read-body.ts";
import type { Registry } from "./registry.ts";

/** What is needed to fetch a blob. */
export interface BlobRequest {
  readonly registry: Registry;
  readonly http: HttpClient;
  readonly repository: string;
  readonly blob: Pick<OciDescriptor, "digest" | "sizeBytes" | "urls">;
  /** For faults: `layer sha256:… of docker://alpine`. */
  readonly what: string;
  note?(text: string): void;
}

/** Breaks without a byte in between that are put up with. */
const MOST_BREAKS = 5;

/**
 * The bytes of a blob from an offset on. When the connection breaks, it goes on from there with a
 * Range request. Digest and size are for the receiver to check. Throws a Fault.
 */
export async function* streamBlob(
  request: BlobRequest,
  offset: number,
): AsyncGenerator<Uint8Array> {
  const { blob, what } = request;
  let at = offset;
  for (let breaks = 0; at < blob.sizeBytes; ) {
    const answer = await openBlob(request, at);
    try {
      for await (const piece of readPieces(answer)) {
        at += piece.length;
        breaks = 0;
        yield piece;
      }
      // A body that ends early without any error: the sender closed the connection politely.
      if (at >= blob.sizeBytes) return;
    } catch (error) {
      if (error instanceof Fault) throw error;
      request.http.throwIfStopped();
    }
    breaks += 1;
    if (breaks > MOST_BREAKS) {
      throw new Fault(
        "io",
        `Cannot fetch ${what}: the connection broke ${breaks} times at byte ${at} of ${blob.sizeBytes}`,
        { hint: "try again: it goes on where it ended" },
      );
    }
    request.note?.(`The connection broke at byte ${at} of ${blob.sizeBytes}: going on from there`);
    await request.http.sleep(200 * 2 ** breaks);
  }
}

async function openBlob(request: BlobRequest, at: number): Promise<Response> {
  const { blob, http, registry, repository, what } = request;
  const headers = at === 0 ? {} : { range: `bytes=${at}-` };
  // Layers that may not be distributed lie elsewhere; nobody there gets credentials.
  const [url] = blob.urls.filter((one) => /^https?:\/\//.test(one));
  const answer =
    url === undefined
      ? await registry.send(`${repository}/blobs/${blob.digest}`, repository, "pull", { headers })
      : await http.send({ url, headers });
  const attempt = `Cannot fetch ${what}`;
  if (!answer.ok) throw await registry.faultOf(answer, attempt);
  if (/^text\/html\b/.test(answer.headers.get("content-type") ?? "")) {
    throw new Fault("invalid", `${attempt}: an HTML page came in its place`);
  }
  const isPart = answer.status === 206;
  const start = isPart
    ? Number(/^bytes ([0-9]+)-/.exec(answer.headers.get("content-range") ?? "")?.[1] ?? Number.NaN)
    : 0;
  const length = answer.headers.get("content-length");
  if (length !== null && start + Number(length) !== blob.sizeBytes) {
    await answer.body?.cancel();
    throw new Fault(
      "invalid",
      `${attempt}: ${start + Number(length)} bytes are announced where the manifest says ${blob.sizeBytes}`,
    );
  }
  if (start === at) return answer;
  // No ranges there: what is known already comes again and is passed over.
  if (start === 0) return new Response(skipFirst(answer, at));
  throw new Fault("invalid", `${attempt}: bytes from ${start} on came instead of those from ${at}`);
}

function skipFirst(answer: Response, count: number): ReadableStream<Uint8Array> {
  let left = count;
  const pieces = readPieces(answer);
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const { done, value } = await pieces.next();
        if (done === true) return controller.close();
        const skipped = Math.min(left, value.length);
        left -= skipped;
        if (skipped === value.length) continue;
        return controller.enqueue(value.subarray(skipped));
      }
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
}
