import { broken, WireReader } from "./_wire-reader.ts";
import { WireWriter } from "./_wire-writer.ts";
import { describeOp } from "./describe.ts";
import type { FaultText, Op, OpKind, WiredOp } from "./op.ts";
import { type FieldKind, OP_FIELDS } from "./op-fields.ts";

/*
 * Little-endian words, then the bytes of `bytes` fields one behind the other, then all texts, each
 * with a NUL behind it. Words say what comes; bytes and texts are taken in the order of the fields.
 *
 *   stream = header, count × op, bytes, texts
 *   header = "SKOP", version, size of all, flags, ignored signals (2 words), count of ops,
 *            count of words (header included), size of bytes; the texts "proc path" and "prefix"
 *   op     = code, count of words that follow, fields as in OP_FIELDS,
 *            count of faults, one errno and one text for each; a text as note
 *   u32, i32 = a word;   u64 = low word, high word;   str = a text;   strs = a count, texts
 *   bytes  = a size, and so many bytes
 */

const MAGIC = 0x504f4b53;
const VERSION = 1;
const SIZE_WORD = 2;
const WORDS_WORD = 7;
const BLOBS_WORD = 8;
const HEADER_WORDS = 9;
/** The starter refuses more. */
const LIMIT_BYTES = 16 << 20;
const FLAG_CLASSIC = 1;
const FLAG_CHROOT = 2;
/** SIGHUP, SIGINT, SIGQUIT: `nohup` and `&` of a shell ignore them for the program's sake. */
const KEEP_IGNORED: readonly number[] = [1, 2, 3];

const KINDS = Object.keys(OP_FIELDS) as readonly OpKind[];

/** How the starter carries a stream out. */
export interface EncodeOptions {
  /** Every op is printed on stderr, in the words of `describeOp`, before it is carried out. */
  readonly debug: boolean;
  /** Where procfs is when the starter begins; it is opened once and used for all id maps. Usually "/proc". */
  readonly procPath: string;
  /** The prefix of a failure in red; default false. */
  readonly colour?: boolean;
  /** Only system calls that kernel 4.18 has; default false. For tests of the older paths. */
  readonly classic?: boolean;
  /** A moved mount and chroot(2) instead of pivot_root(2), as on an initramfs; default false. For tests. */
  readonly chroot?: boolean;
  /** Signals that stay ignored in the program when they are on entry; all others are reset. Default HUP, INT, QUIT. */
  readonly keepIgnored?: readonly number[];
}

/** The head of a decoded stream. */
export interface DecodedOps {
  readonly procPath: string;
  readonly prefix: string;
  readonly flags: number;
  readonly ops: readonly WiredOp[];
  /** One for each op; empty without `debug`. */
  readonly notes: readonly string[];
}

/**
 * The bytes that the starter reads. Throws a Fault when a value does not fit its field: a number out
 * of range, a NUL in a text, more than 16 MiB in all.
 */
export function encodeOps(ops: readonly WiredOp[], options: EncodeOptions): Uint8Array {
  const out = new WireWriter();
  const flags =
    (options.classic === true ? FLAG_CLASSIC : 0) | (options.chroot === true ? FLAG_CHROOT : 0);
  out.words.push(MAGIC, VERSION, 0, flags);
  out.u64(signalMask(options.keepIgnored ?? KEEP_IGNORED), "signals");
  out.words.push(ops.length, 0, 0);
  out.str(options.procPath);
  out.str(options.colour === true ? "\u001b[31mFATAL:  \u001b[0m " : "FATAL:   ");
  for (const { op, faults } of ops) {
    out.words.push(KINDS.indexOf(op.kind) + 1, 0);
    const start = out.words.length;
    writeFields(out, op);
    out.words.push(faults.length);
    for (const { errno, text } of faults) {
      out.u32(errno, "errno");
      out.str(text);
    }
    out.str(options.debug ? `DEBUG    ${describeOp(op)}` : "");
    out.words[start - 1] = out.words.length - start;
  }
  out.words[WORDS_WORD] = out.words.length;
  return out.finish((total, blobs) => {
    if (total > LIMIT_BYTES) throw broken(`${total} bytes, the limit is ${LIMIT_BYTES}`);
    out.words[SIZE_WORD] = total;
    out.words[BLOBS_WORD] = blobs;
  });
}

function writeFields(out: WireWriter, op: Op): void {
  // The schema names exactly the members of the interface: a test of the codec fails for a missing one.
  const values = op as unknown as Readonly<Record<string, never>>;
  const schema: Schema = OP_FIELDS[op.kind];
  for (const name in schema) {
    const type = schema[name];
    if (type !== undefined) out[type](values[name] as never, name);
  }
}

type Schema = Readonly<Record<string, FieldKind>>;

/** The ops of a stream, for tests and debugging; throws a Fault (`invalid`) for any break of the format. */
export function decodeOps(bytes: Uint8Array): DecodedOps {
  if (bytes.length < 4 * HEADER_WORDS || bytes.length > LIMIT_BYTES) throw broken("its size");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = view.getUint32(4 * WORDS_WORD, true);
  const input = new WireReader(bytes, words, view.getUint32(4 * BLOBS_WORD, true));
  if (input.u32() !== MAGIC) throw broken("no magic");
  if (input.u32() !== VERSION) throw broken("another version");
  if (input.u32() !== bytes.length) throw broken("another size");
  const flags = input.u32();
  input.u64();
  const count = input.u32();
  input.u64();
  const procPath = input.str();
  const prefix = input.str();
  const ops: WiredOp[] = [];
  const notes: string[] = [];
  for (let i = 0; i < count; i++) {
    const kind = KINDS[input.u32() - 1];
    if (kind === undefined) throw broken("an unknown code");
    const length = input.u32();
    const start = input.position;
    const op = readFields(input, kind);
    const faults: FaultText[] = [];
    for (let left = input.u32(); left > 0; left--) {
      faults.push({ errno: input.u32(), text: input.str() });
    }
    notes.push(input.str());
    if (input.position !== start + length) throw broken("another length of an op");
    ops.push({ op, faults });
  }
  input.end();
  return { procPath, prefix, flags, ops, notes };
}

function readFields(input: WireReader, kind: OpKind): Op {
  const op: Record<string, unknown> = { kind };
  for (const [name, type] of Object.entries(OP_FIELDS[kind])) op[name] = input[type]();
  // Every member that OP_FIELDS tells was just read with its type.
  return op as unknown as Op;
}

function signalMask(signals: readonly number[]): number {
  let mask = 0;
  for (const signal of signals) mask += 2 ** (signal - 1);
  return mask;
}
