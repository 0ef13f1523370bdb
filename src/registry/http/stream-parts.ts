import { type RangedRequest, rangeHeaders, streamRanged } from "./stream-ranged.ts";

/** How a file is fetched in parts (directives `download part size`, `download concurrency`). */
export interface PartChoice {
  readonly partBytes: number;
  /** Parts at a time; each is held in memory until its turn comes. */
  readonly concurrency: number;
}

/**
 * The bytes from an offset on, in order, several parts being fetched at a time:
 *
 *   part 1 ─► yielded     part 2, part 3 ─► fetched meanwhile, held
 *
 * A server without ranges, which is found out by the first part, sends all in one. Throws a Fault.
 */
export async function* streamParts(
  request: RangedRequest,
  offset: number,
  choice: PartChoice,
): AsyncGenerator<Uint8Array> {
  const { sizeBytes } = request;
  const { concurrency, partBytes } = choice;
  if (concurrency < 2 || sizeBytes - offset <= partBytes) {
    yield* streamRanged(request, offset);
    return;
  }
  const endOf = (at: number): number => Math.min(at + partBytes, sizeBytes);
  const first = await request.open(rangeHeaders(offset, endOf(offset), sizeBytes));
  if (first.status !== 206) {
    yield* streamRanged(request, offset, sizeBytes, first);
    return;
  }
  const running: Promise<readonly Uint8Array[]>[] = [];
  let next = endOf(offset);
  const begin = (): void => {
    if (next >= sizeBytes) return;
    const part = collect(streamRanged(request, next, endOf(next)));
    // Its failure is met when its turn comes.
    part.catch(() => {});
    running.push(part);
    next = endOf(next);
  };
  for (let count = 1; count < concurrency; count += 1) begin();
  yield* streamRanged(request, offset, endOf(offset), first);
  for (let part = running.shift(); part !== undefined; part = running.shift()) {
    begin();
    yield* await part;
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const held: Uint8Array[] = [];
  for await (const piece of pieces) held.push(piece);
  return held;
}
