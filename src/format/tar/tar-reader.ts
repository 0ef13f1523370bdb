import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { type EntryStart, entryOf } from "./_entry-of.ts";
import { type HeaderFields, readHeader } from "./_header.ts";
import { type PaxRecords, parsePax } from "./_pax.ts";
import { MAX_SPARSE_PARTS, readSparsePairs, SparseMapText } from "./_sparse.ts";
import { BLOCK_BYTES, type TarEntry } from "./tar-entry.ts";

/** What is told while an archive is read. */
export interface TarSink {
  /**
   * The next entry and its number, counted from 0. True to be given its content.
   */
  entry(entry: TarEntry, ordinal: number): boolean;
  /** The next piece of the content: of a sparse file its data without the holes. A view, not a copy. */
  data(bytes: Uint8Array): void;
  /** The content that was asked for is complete. */
  endOfData(): void;
}

/** A header, a long name or a list of attributes longer than this is hostile. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** More headers than this before one entry are no archive of any tool. */
const MAX_HEADERS_IN_A_ROW = 64;

type State =
  | "header"
  | "extension"
  | "sparse-pairs"
  | "sparse-text"
  | "content"
  | "padding"
  | "end";

/**
 * Reads a tar archive that comes in pieces: POSIX 1988 and 2001 (PAX, global headers too), GNU with
 * long names and all its sparse forms, star, and those without any magic. Memory: one header.
 *
 * What comes after the end mark is not looked at. Every method throws a Fault `invalid` that names
 * the archive and the entry.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #where: string;
  #state: State = "header";
  /** Bytes still to come of what the state reads. */
  #left = BLOCK_BYTES;
  #block = new Uint8Array(BLOCK_BYTES);
  #isWanted = false;
  #padding = 0;
  #ordinal = 0;
  #offset = 0;
  #headers = 0;
  #type = "";
  #start: EntryStart = {
    longPath: undefined,
    longLink: undefined,
    pax: undefined,
    global: new Map(),
  };
  #fields: HeaderFields | undefined;
  #sparseNumbers: number[] = [];
  #sparseText: SparseMapText | undefined;
  /** Name for messages. */
  #last = "";

  /** @param where the archive in messages: `layer sha256:…`. */
  constructor(sink: TarSink, where: string) {
    this.#sink = sink;
    this.#where = where;
  }

  /** Bytes of the archive taken so far; while `entry` is called, where the content begins. */
  get offset(): number {
    return this.#offset;
  }

  /** How many of the next bytes are not looked at: `skip` may stand for them. */
  get ignoredBytes(): number {
    const isIgnored = this.#state === "padding" || (this.#state === "content" && !this.#isWanted);
    return isIgnored ? this.#left : 0;
  }

  /** Stands for the next `count` bytes, at most `ignoredBytes`. */
  skip(count: number): void {
    this.#left -= count;
    this.#offset += count;
    while (this.#left === 0 && !this.isEnded) this.#advance();
  }

  /** Whether the end mark has been read. */
  get isEnded(): boolean {
    return this.#state === "end";
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "end") {
      const count = Math.min(this.#left, chunk.length - at);
      const piece = chunk.subarray(at, at + count);
      at += count;
      this.#left -= count;
      this.#offset += count;
      if (this.#state === "content") {
        if (this.#isWanted) this.#sink.data(piece);
      } else if (this.#state !== "padding") {
        this.#block.set(piece, this.#block.length - this.#left - count);
      }
      while (this.#left === 0 && !this.isEnded) this.#advance();
    }
  }

  /** To be called when nothing more comes. */
  end(): void {
    if (this.#state === "end") return;
    // Some writers leave out the end mark, and what fills the last block too.
    const isAtBlock = this.#state === "header" && this.#left === BLOCK_BYTES;
    const isBetween = this.#headers === 0 && (isAtBlock || this.#state === "padding");
    if (!isBetween) throw this.#fault("the archive is cut off");
  }

  #advance(): void {
    switch (this.#state) {
      case "header":
        this.#takeHeader(this.#block);
        return;
      case "extension":
        this.#takeExtension(this.#block);
        return;
      case "sparse-pairs":
        this.#takeSparsePairs(this.#block);
        return;
      case "sparse-text":
        this.#takeSparseText(this.#block);
        return;
      case "content":
        if (this.#isWanted) this.#sink.endOfData();
        this.#skip(this.#padding);
        return;
      case "padding":
        this.#await("header", BLOCK_BYTES);
        return;
      case "end":
        return;
    }
  }

  #await(state: State, count: number): void {
    this.#state = state;
    this.#left = count;
    if (state !== "content" && state !== "padding" && this.#block.length !== count) {
      this.#block = new Uint8Array(count);
    }
  }

  #skip(count: number): void {
    this.#await("padding", count);
  }

  #takeHeader(block: Uint8Array): void {
    if (block.every((byte) => byte === 0)) {
      if (this.#headers > 0)
        throw this.#fault("the archive ends after a header that needs another");
      this.#state = "end";
      return;
    }
    const fields = readHeader(block);
    if (typeof fields === "string") throw this.#fault(fields);
    if (fields.sizeBytes < 0) throw this.#fault("a size is negative");
    this.#type = fields.type;
    switch (fields.type) {
      case "x":
      case "X":
      case "g":
      case "L":
      case "K":
        if (fields.sizeBytes > MAX_HEADER_BYTES) {
          throw this.#fault(
            `a header has ${fields.sizeBytes} bytes, more than ${MAX_HEADER_BYTES}`,
          );
        }
        if (++this.#headers > MAX_HEADERS_IN_A_ROW) throw this.#fault("too many headers in a row");
        this.#padding = paddingOf(fields.sizeBytes);
        this.#await("extension", fields.sizeBytes + this.#padding);
        return;
      case "V":
        this.#skip(fields.sizeBytes + paddingOf(fields.sizeBytes));
        return;
      case "S": {
        this.#fields = fields;
        const pairs = readSparsePairs(block, 386, 4);
        if (typeof pairs === "string") throw this.#fault(pairs);
        this.#sparseNumbers = pairs;
        // The field "major" and what follows it is not used by this type; the length is kept there.
        this.#start = { ...this.#start, gnuSparse: block.slice(483, 495) };
        if (block[482] !== 0) {
          this.#await("sparse-pairs", BLOCK_BYTES);
          return;
        }
        this.#begin(fields, pairs, fields.sizeBytes);
        return;
      }
      default:
        this.#begin(fields, undefined, fields.sizeBytes);
        return;
    }
  }

  #takeExtension(bytes: Uint8Array): void {
    const content = bytes.subarray(0, bytes.length - this.#padding);
    const start = this.#start;
    if (this.#type === "L" || this.#type === "K") {
      const end = content.indexOf(0);
      const text = decodeOsText(end < 0 ? content : content.subarray(0, end));
      this.#start =
        this.#type === "L" ? { ...start, longPath: text } : { ...start, longLink: text };
      if (this.#type === "L") this.#last = text;
    } else {
      const pax = parsePax(content);
      if (typeof pax === "string") throw this.#fault(pax);
      if (this.#type === "g") {
        this.#start = { ...start, global: this.#joinGlobal(start.global, pax.records) };
        this.#headers--;
      } else {
        this.#start = { ...start, pax };
      }
    }
    this.#await("header", BLOCK_BYTES);
  }

  /** Records for all entries that follow; what says nothing of an entry is dropped. */
  #joinGlobal(before: PaxRecords, added: PaxRecords): PaxRecords {
    const joined = new Map(before);
    let bytes = 0;
    for (const [key, value] of added) if (key !== "comment") joined.set(key, value);
    for (const [key, value] of joined) bytes += key.length + value.length;
    if (bytes > MAX_HEADER_BYTES) throw this.#fault("the global headers are too long");
    return joined;
  }

  #takeSparsePairs(block: Uint8Array): void {
    const pairs = readSparsePairs(block, 0, 21);
    if (typeof pairs === "string") throw this.#fault(pairs);
    for (const number of pairs) this.#sparseNumbers.push(number);
    if (this.#sparseNumbers.length > MAX_SPARSE_PARTS * 2) {
      throw this.#fault("the map of a sparse file is too long");
    }
    const fields = this.#fields;
    if (fields === undefined || block[504] !== 0) {
      this.#await("sparse-pairs", BLOCK_BYTES);
      return;
    }
    this.#begin(fields, this.#sparseNumbers, fields.sizeBytes);
  }

  #takeSparseText(block: Uint8Array): void {
    const map = this.#sparseText;
    const fields = this.#fields;
    if (map === undefined || fields === undefined) return;
    const answer = map.take(block);
    if (typeof answer === "string") throw this.#fault(answer);
    const left = fields.sizeBytes - BLOCK_BYTES;
    this.#fields = { ...fields, sizeBytes: left };
    if (answer) {
      this.#begin(this.#fields, map.numbers, left);
      return;
    }
    if (left < BLOCK_BYTES) throw this.#fault("the map of a sparse file is cut off");
    this.#await("sparse-text", BLOCK_BYTES);
  }

  /** All headers of an entry are there. */
  #begin(fields: HeaderFields, numbers: readonly number[] | undefined, stored: number): void {
    this.#last = fields.path;
    const made = entryOf(fields, this.#start, numbers, stored);
    if (typeof made === "string") throw this.#fault(made);
    if ("needsMap" in made) {
      this.#sparseText = new SparseMapText();
      this.#fields = { ...fields, sizeBytes: made.needsMap };
      if (made.needsMap < BLOCK_BYTES) throw this.#fault("the map of a sparse file is cut off");
      this.#await("sparse-text", BLOCK_BYTES);
      return;
    }
    this.#start = {
      longPath: undefined,
      longLink: undefined,
      pax: undefined,
      global: this.#start.global,
    };
    this.#headers = 0;
    this.#fields = undefined;
    this.#sparseText = undefined;
    this.#last = made.entry.path;
    this.#isWanted = this.#sink.entry(made.entry, this.#ordinal++);
    this.#padding = paddingOf(made.contentBytes);
    this.#await("content", made.contentBytes);
  }

  #fault(why: string): Fault {
    const place = this.#last === "" ? "" : `, at "${this.#last}"`;
    return new Fault("invalid", `Cannot read the ${this.#where}${place}: ${why}`, {
      hint: "the archive is damaged or not what it should be; fetch or make it again",
    });
  }
}

/** Bytes that fill content up to whole blocks. */
export function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
