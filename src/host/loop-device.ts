import { addressOf, call, SYS } from "./_raw-call.ts";
import { close, O_RDONLY, O_RDWR, open } from "./syscall.ts";

/** A part of a file as a block device. The device frees itself when nothing has it open any more. */
export interface LoopDevice {
  /** /dev/loopN. */
  readonly path: string;
  /** Descriptor that keeps it. */
  readonly fd: number;
}

const LOOP_SET_FD = 0x4c00;
const LOOP_CLR_FD = 0x4c01;
const LOOP_SET_STATUS64 = 0x4c04;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
const EBUSY = -16;
const TRIES = 64;

/**
 * Makes a block device of bytes of a file: `sizeBytes` from `offsetBytes`, 0 for all up to its end. Gives minus the
 * errno when the kernel refuses.
 */
export function attachLoop(
  path: string,
  part: { readonly offsetBytes: number; readonly sizeBytes: number; readonly writable: boolean },
): LoopDevice | number {
  const access = part.writable ? O_RDWR : O_RDONLY;
  const file = open(path, access);
  if (file < 0) return file;
  const control = open("/dev/loop-control", O_RDWR);
  try {
    if (control < 0) return control;
    // Another process may take a free number first.
    for (let i = 0; i < TRIES; i++) {
      const number = call(SYS.ioctl, control, LOOP_CTL_GET_FREE);
      if (number < 0) return number;
      const device = open(`/dev/loop${number}`, access);
      if (device < 0) return device;
      const status = configure(device, file, part);
      if (status === 0) return { path: `/dev/loop${number}`, fd: device };
      close(device);
      if (status !== EBUSY) return status;
    }
    return EBUSY;
  } finally {
    close(file);
    if (control >= 0) close(control);
  }
}

/**
 * struct loop_config: u32 fd, u32 block size, struct loop_info64, u64 reserved[8]. In loop_info64 (232 bytes) the
 * offset is at 24, the size limit at 32, the flags at 52.
 */
function configure(
  device: number,
  file: number,
  part: { readonly offsetBytes: number; readonly sizeBytes: number; readonly writable: boolean },
): number {
  const INFO = 8;
  const config = new Uint8Array(new ArrayBuffer(304));
  const view = new DataView(config.buffer);
  view.setUint32(0, file, true);
  view.setBigUint64(INFO + 24, BigInt(part.offsetBytes), true);
  view.setBigUint64(INFO + 32, BigInt(part.sizeBytes), true);
  view.setUint32(INFO + 52, LO_FLAGS_AUTOCLEAR | (part.writable ? 0 : LO_FLAGS_READ_ONLY), true);
  const status = call(SYS.ioctl, device, LOOP_CONFIGURE, addressOf(config));
  const isUnknown = status === -22 || status === -25;
  if (!isUnknown) return Math.min(status, 0);
  // Before 5.8 in two steps.
  const set = call(SYS.ioctl, device, LOOP_SET_FD, file);
  if (set < 0) return set;
  const info = call(SYS.ioctl, device, LOOP_SET_STATUS64, addressOf(config.subarray(INFO)));
  if (info < 0) call(SYS.ioctl, device, LOOP_CLR_FD);
  return Math.min(info, 0);
}
