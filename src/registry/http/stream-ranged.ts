import { Fault } from "../../base/fault.ts";
import type { HttpClient } from "./client.ts";
import { readPieces } from "./read-body.ts";

/** Something of a known length that can be asked for from the middle on. */
export interface RangedRequest {
  readonly http: HttpClient;
  readonly sizeBytes: number;
  /** For faults: `layer sha256:… of docker://alpine`. */
  readonly what: string;
  /** Asks for it with these headers, a Range perhaps; throws a Fault unless the answer is a success. */
  open(headers: Readonly<Record<string, string>>): Promise<Response>;
  note?(text: string): void;
}

/** Breaks without a byte in between that are put up with. */
const MOST_BREAKS = 5;

/**
 * The bytes from an offset to `end` (exclusive; default all that follow). When the connection breaks,
 * it goes on from there with a Range request. The digest is for the receiver to check. Throws a Fault.
 *
 * @param first answer to the first request, where it has been made already.
 */
export async function* streamRanged(
  request: RangedRequest,
  offset: number,
  end: number = request.sizeBytes,
  first?: Response,
): AsyncGenerator<Uint8Array> {
  const { http, sizeBytes, what } = request;
  let at = offset;
  let given = first;
  for (let breaks = 0; at < end; ) {
    const answer = given ?? (await request.open(rangeHeaders(at, end, sizeBytes)));
    given = undefined;
    const body = await bodyFrom(request, answer, at);
    try {
      for await (const whole of readPieces(body)) {
        // One without ranges sends on to the end of the file.
        const piece = at + whole.length > end ? whole.subarray(0, end - at) : whole;
        at += piece.length;
        breaks = 0;
        yield piece;
        if (at >= end && end < sizeBytes) return;
      }
      // A body that ends early without any error: the sender closed the connection politely.
      if (at >= end) return;
    } catch (error) {
      if (error instanceof Fault) throw error;
      http.throwIfStopped();
    }
    breaks += 1;
    if (breaks > MOST_BREAKS) {
      throw new Fault(
        "io",
        `Cannot fetch ${what}: the connection broke ${breaks} times at byte ${at} of ${sizeBytes}`,
        { hint: "try again: it goes on where it ended" },
      );
    }
    request.note?.(`The connection broke at byte ${at} of ${sizeBytes}: going on from there`);
    await http.sleep(200 * 2 ** breaks);
  }
}

/** Header that asks for the bytes from `at` to before `end`; none for all. */
export function rangeHeaders(
  at: number,
  end: number,
  sizeBytes: number,
): Readonly<Record<string, string>> {
  if (at === 0 && end === sizeBytes) return {};
  return { range: `bytes=${at}-${end === sizeBytes ? "" : end - 1}` };
}

/** The answer with what stands before `at` taken away. Throws a Fault for one that cannot be the bytes asked for. */
async function bodyFrom(request: RangedRequest, answer: Response, at: number): Promise<Response> {
  const { sizeBytes, what } = request;
  const attempt = `Cannot fetch ${what}`;
  if (/^text\/html\b/.test(answer.headers.get("content-type") ?? "")) {
    throw new Fault("invalid", `${attempt}: an HTML page came in its place`);
  }
  const range = answer.headers.get("content-range") ?? "";
  const [, from = "NaN", total = ""] = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(range) ?? [];
  const isPart = answer.status === 206;
  const start = isPart ? Number(from) : 0;
  const length = answer.headers.get("content-length");
  const announced = isPart ? total : (length ?? "");
  if (announced !== "" && Number(announced) !== sizeBytes) {
    await answer.body?.cancel();
    throw new Fault(
      "invalid",
      `${attempt}: ${announced} bytes are announced where ${sizeBytes} are expected`,
    );
  }
  if (start === at) return answer;
  // No ranges there: what is known already comes again and is passed over.
  if (!isPart) return new Response(skipFirst(answer, at));
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
