import { read } from "node:fs";
import { appendFile } from "node:fs/promises";
import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { connectSeqpacket, endWriting } from "../../host/seqpacket.ts";
import { close, write } from "../../host/syscall.ts";
import type { OciContainer } from "./container.ts";

/*
 * The monitor's socket: a packet of output is one byte (2 standard output, 3 error), then up to
 * 8192 bytes; what is written goes to the container's standard input. Its fifo `ctl` takes lines:
 * `1 HEIGHT WIDTH` is a new size of the terminal.
 */
const PACKET_BYTES = 8193;
const INPUT_BYTES = 8192;
const STREAM_ERROR = 3;

/**
 * Connects this process's streams to a container's until the container ends. `connected` is called
 * when nothing more of the output can be missed.
 *
 * @throws Fault for a container that has no monitor.
 */
export async function attach(
  container: OciContainer,
  connected: () => void = () => {},
): Promise<void> {
  const fd = connectSeqpacket(`${container.folder}/bundle/attach`);
  if (fd < 0) {
    throw new Fault("failed", `Cannot attach to ${container.id}: ${errnoText(-fd)}`, {
      hint: "only a container that was created while conmon was installed, and that has not ended, can be attached to",
    });
  }
  const isTerminal = process.stdin.isTTY === true;
  const resize = (): void => {
    const { rows, columns } = process.stdout;
    // Whoever reads it may be gone already.
    appendFile(`${container.folder}/bundle/ctl`, `1 ${rows} ${columns}\n`).catch(() => undefined);
  };
  if (isTerminal) {
    process.stdin.setRawMode(true);
    process.on("SIGWINCH", resize);
    resize();
  }
  try {
    connected();
    void passInput(fd);
    await passOutput(fd);
  } finally {
    if (isTerminal) process.stdin.setRawMode(false);
    close(fd);
  }
}

async function passInput(fd: number): Promise<void> {
  for await (const chunk of Bun.stdin.stream()) {
    for (let at = 0; at < chunk.length; ) {
      const count = write(fd, chunk.subarray(at, at + INPUT_BYTES));
      if (count <= 0) return;
      at += count;
    }
  }
  endWriting(fd);
}

async function passOutput(fd: number): Promise<void> {
  const packet = new Uint8Array(PACKET_BYTES);
  for (;;) {
    const count = await new Promise<number>((resolve) => {
      read(fd, packet, 0, PACKET_BYTES, null, (error, length) => resolve(error ? 0 : length));
    });
    if (count === 0) return;
    const out = packet[0] === STREAM_ERROR ? 2 : 1;
    for (let at = 1; at < count; ) {
      const done = write(out, packet.subarray(at, count));
      if (done <= 0) break;
      at += done;
    }
  }
}
