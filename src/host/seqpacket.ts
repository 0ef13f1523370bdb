import { addressOf, call, SYS } from "./_raw-call.ts";
import { close } from "./syscall.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SHUT_WR = 1;
const PATH_BYTES = 108;
const ENAMETOOLONG = 36;

/**
 * Connects to a packet socket by its path: a descriptor, of which one read gives one packet, or minus
 * the errno. The runtime's own sockets are streams only.
 */
export function connectSeqpacket(path: string): number {
  const address = new Uint8Array(new ArrayBuffer(2 + PATH_BYTES));
  const bytes = new TextEncoder().encode(path);
  if (bytes.length >= PATH_BYTES) return -ENAMETOOLONG;
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  const fd = call(SYS.socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const status = call(SYS.connect, fd, addressOf(address), address.length);
  if (status >= 0) return fd;
  close(fd);
  return status;
}

/** Tells the other side that nothing more will be written. */
export function endWriting(fd: number): void {
  call(SYS.shutdown, fd, SHUT_WR);
}
