import { broken, WireReader } from "./_wire-reader.ts";
import { WireWriter } from "./_wire-writer.ts";
import { describeOp } from "./describe.ts";
import { type FaultText, OP_FIELDS, type Op, type OpKind, type WiredOp } from "./op.ts";

/*
 * Everything is little-endian and 4-byte aligned.
 *
 *   stream = "SKOP", u32 version, u32 size of all, u32 flags, u64 ignored signals, u32 count,
 *            str proc path, str prefix, count × op
 *   op     = u32 code, u32 size of what follows, fields as in OP_FIELDS,
 *            u32 number of faults, faults as (u32 errno, str text), str note
 *   str    = u32 bytes, the bytes, NUL, zeros up to 4;   bytes = the same without the NUL
 *   strs   = u32 count, count × str;                     u64 = low word, high word
 */

const MAGIC = 0x504f4b53;
const VERSION = 1;
/** The starter refuses more. */
const LIMIT_BYTES = 16 << 20;
const FLAG_CLASSIC = 1;
const FLAG_CHROOT = 2;
/** SIGHUP, SIGINT, SIGQUIT: `nohup` and `&` of a shell ignore them for the program's sake. */
const KEEP_IGNORED: readonly number[] = [1, 2, 3];

const KINDS = Object.keys(OP_FIELDS) as readonly OpKind[];
const CODES = new Map<OpKind, number>(KINDS.map((kind, index) => [kind, index + 1]));

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
  out.u32(MAGIC, "magic");
  out.u32(VERSION, "version");
  out.u32(0, "size");
  out.u32(
    (options.classic === true ? FLAG_CLASSIC : 0) | (options.chroot === true ? FLAG_CHROOT : 0),
    "flags",
  );
  out.u64(signalMask(options.keepIgnored ?? KEEP_IGNORED), "signals");
  out.u32(ops.length, "count");
  out.str(options.procPath, "procPath");
  out.str(options.colour === true ? "\u001b[31mFATAL:  \u001b[0m " : "FATAL:   ", "prefix");
  for (const { op, faults } of ops) {
    out.u32(CODES.get(op.kind) ?? 0, "code");
    const sizeAt = out.length;
    out.u32(0, "size");
    writeFields(out, op);
    out.u32(faults.length, "faults");
    for (const { errno, text } of faults) {
      out.u32(errno, "errno");
      out.str(text, "fault text");
    }
    out.str(options.debug ? `DEBUG    ${describeOp(op)}` : "", "note");
    out.patch(sizeAt, out.length - sizeAt - 4);
  }
  if (out.length > LIMIT_BYTES) throw broken(`${out.length} bytes, the limit is ${LIMIT_BYTES}`);
  out.patch(8, out.length);
  return out.finish();
}

function writeFields(out: WireWriter, op: Op): void {
  const fields = OP_FIELDS[op.kind];
  // The schema names exactly the members of the interface; "OP_FIELDS fits the interfaces" in op.test.ts proves it.
  const values = op as unknown as Readonly<Record<string, never>>;
  for (const name in fields) {
    const value = values[name] as never;
    switch (fields[name]) {
      case "u32":
        out.u32(value, name);
        break;
      case "i32":
        out.i32(value, name);
        break;
      case "u64":
        out.u64(value, name);
        break;
      case "str":
        out.str(value, name);
        break;
      case "strs":
        out.strs(value, name);
        break;
      case "bytes":
        out.bytes(value);
        break;
    }
  }
}

/** The ops of a stream, for tests and debugging; throws a Fault (`invalid`) for any break of the format. */
export function decodeOps(bytes: Uint8Array): DecodedOps {
  const input = new WireReader(bytes);
  if (bytes.length > LIMIT_BYTES) throw broken("too large");
  if (input.u32() !== MAGIC) throw broken("no magic");
  if (input.u32() !== VERSION) throw broken("another version");
  if (input.u32() !== bytes.length) throw broken("another size");
  const flags = input.u32();
  input.part(8);
  const count = input.u32();
  const procPath = input.str();
  const prefix = input.str();
  const ops: WiredOp[] = [];
  const notes: string[] = [];
  for (let i = 0; i < count; i++) {
    const kind = KINDS[input.u32() - 1];
    if (kind === undefined) throw broken("an unknown code");
    const body = input.part(input.u32());
    const op = readFields(body, kind);
    const faults: FaultText[] = [];
    for (let left = body.u32(); left > 0; left--) {
      faults.push({ errno: body.u32(), text: body.str() });
    }
    notes.push(body.str());
    if (body.left > 0) throw broken("bytes left in an op");
    ops.push({ op, faults });
  }
  if (input.left > 0) throw broken("bytes left at the end");
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
