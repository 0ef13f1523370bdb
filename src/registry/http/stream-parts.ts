import { type RangedRequest, rangeHeaders, streamRanged } from "./stream-ranged.ts";

/** How a file is fetched in parts (directives `download part size`, `download concurrency`). */
export interface PartChoice {
  readonly partBytes: number;
  /** Parts at a time; each is held in memory until its turn comes. */
  readonly concurrency: number;
}

/**
 * Bytes in a millisecond, 1.6 Gbit/s: where one connection brings so many, this machine is the slow end, and
 * parts that are held take a sixth more of its time.
 */
const FAST_RATE = 200_000;
/** A part must be so long to tell how fast a line is. */
const TELLING_BYTES = 1 << 20;

/**
 * The bytes from an offset on, in order, several parts being fetched at a time:
 *
 *   part 1 ─► yielded     part 2, part 3 ─► fetched meanwhile, held
 *
 * Where part 1 comes fast, all that follows comes in one. A server without ranges, which is found out by
 * part 1, sends all in one. Throws a Fault.
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
  const running: AsyncIterable<Uint8Array>[] = [];
  let next = endOf(offset);
  const begin = (): void => {
    if (next >= sizeBytes) return;
    running.push(fetchAhead(streamRanged(request, next, endOf(next))));
    next = endOf(next);
  };
  const beginAll = (): void => {
    while (running.length < concurrency - 1 && next < sizeBytes) begin();
  };
  const patienceMs = partBytes < TELLING_BYTES ? 0 : partBytes / FAST_RATE;
  const started = performance.now();
  for await (const piece of streamRanged(request, offset, endOf(offset), first)) {
    if (performance.now() - started >= patienceMs) beginAll();
    yield piece;
  }
  if (running.length === 0) {
    yield* streamRanged(request, next);
    return;
  }
  for (let part = running.shift(); part !== undefined; part = running.shift()) {
    begin();
    yield* part;
  }
}

/** Pieces that are fetched from now on and held until they are asked for; a failure is met after them. */
function fetchAhead(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const held: Uint8Array[] = [];
  let arrived = Promise.withResolvers<void>();
  let isDone = false;
  const fetching = (async () => {
    try {
      for await (const piece of pieces) {
        held.push(piece);
        arrived.resolve();
      }
    } finally {
      isDone = true;
      arrived.resolve();
    }
  })();
  // Met when its turn comes.
  fetching.catch(() => {});
  return (async function* () {
    for (;;) {
      arrived = Promise.withResolvers();
      yield* held.splice(0);
      if (isDone && held.length === 0) return await fetching;
      if (held.length === 0) await arrived.promise;
    }
  })();
}
