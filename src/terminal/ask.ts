import { readSync } from "node:fs";
import { ReadStream } from "node:tty";
import { Fault } from "../base/fault.ts";

/*
 * Questions to the user on standard error, answers from standard input, whether that is a terminal
 * or not: scripts pipe answers in. Load this file only when something is asked, it costs
 * milliseconds.
 */

const STDIN = 0;
const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACE = 8;
const CTRL_U = 21;
const DELETE = 127;

/** Asks for yes or no; anything but an answer that begins with y or Y is no, the end of input too. */
export function askYesNo(question: string, print: (text: string) => void): boolean {
  print(`${question} [y/N] `);
  const answer = readAnswer() ?? "";
  return /^\s*y/i.test(answer);
}

/** Asks for a line of text; undefined at the end of input. */
export function askLine(question: string, print: (text: string) => void): string | undefined {
  print(question);
  return readAnswer();
}

/** Asks for a secret: on a terminal nothing of it is shown. Undefined at the end of input. */
export function askSecret(question: string, print: (text: string) => void): string | undefined {
  const terminal = openTerminal();
  // From a pipe the answer is a plain line.
  if (terminal === undefined) return askLine(question, print);
  // Before the question: what is typed at once must not be shown either.
  terminal.setRawMode(true);
  print(question);
  try {
    return readSecret();
  } finally {
    terminal.setRawMode(false);
    terminal.destroy();
    print("\n");
  }
}

function openTerminal(): ReadStream | undefined {
  try {
    const stream = new ReadStream(STDIN);
    return stream.isTTY ? stream : undefined;
  } catch {
    // Not a terminal: said by the caller's other way of reading.
    return undefined;
  }
}

/** One byte of standard input, or undefined at its end. */
function readByte(): number | undefined {
  const byte = new Uint8Array(1);
  for (;;) {
    try {
      return readSync(STDIN, byte) === 0 ? undefined : byte[0];
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EOF") return undefined;
      // Someone set the terminal non-blocking.
      if (code !== "EAGAIN") {
        throw new Fault("io", `Cannot read standard input: ${code}`, { cause: error });
      }
      Bun.sleepSync(10);
    }
  }
}

/** A line byte by byte, so that what follows stays there for whoever reads next. */
function readAnswer(): string | undefined {
  const bytes: number[] = [];
  for (;;) {
    const byte = readByte();
    if (byte === undefined && bytes.length === 0) return undefined;
    if (byte === undefined || byte === 10) break;
    bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes)).replace(/\r$/, "");
}

/** A line from a terminal in raw mode, which leaves editing and interrupt keys to us. */
function readSecret(): string | undefined {
  let bytes: number[] = [];
  for (;;) {
    const byte = readByte();
    if (byte === undefined || (byte === CTRL_D && bytes.length === 0)) return undefined;
    if (byte === CTRL_C) {
      throw new Fault("failed", "Interrupted while waiting for an answer", { exitCode: 130 });
    }
    if (byte === 10 || byte === 13) break;
    if (byte === CTRL_U) bytes = [];
    else if (byte === BACKSPACE || byte === DELETE) {
      // The last character may be several bytes: continuation bytes go first.
      while (((bytes.at(-1) ?? 0) & 0xc0) === 0x80) bytes.pop();
      bytes.pop();
    } else if (byte !== CTRL_D) bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
