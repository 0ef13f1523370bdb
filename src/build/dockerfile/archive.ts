import { closeSync, openSync, readSync } from "node:fs";

const MAGIC: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
];

/** Whether ADD unpacks a file: a tar archive, plain or compressed by gzip, bzip2, xz or zstd. */
export function isArchive(path: string): boolean {
  const head = new Uint8Array(512);
  const fd = openSync(path, "r");
  try {
    const count = readSync(fd, head);
    if (isTarHeader(head.subarray(0, count))) return true;
    return (
      MAGIC.some((bytes) => bytes.every((byte, at) => at < count && head[at] === byte)) &&
      holdsTar(path)
    );
  } finally {
    closeSync(fd);
  }
}

/** A compressed file is unpacked only when a tar archive is in it. */
function holdsTar(path: string): boolean {
  const listed = Bun.spawnSync(["sh", "-c", 'tar -t -f "$1" 2>/dev/null | head -n 1', "sh", path], {
    stdin: "ignore",
    stderr: "ignore",
  });
  return listed.stdout.length > 0;
}

/** Whether 512 bytes are a tar header with a right checksum. */
function isTarHeader(head: Uint8Array): boolean {
  if (head.length < 512) return false;
  const stored = Number.parseInt(
    new TextDecoder().decode(head.subarray(148, 156)).trim().replace(/\0.*$/s, ""),
    8,
  );
  let sum = 0;
  for (const [at, byte] of head.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  return sum === stored && sum > 256;
}
