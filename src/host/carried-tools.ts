import { decodeCarried } from "../format/self-run/carried.ts";
import { BLOCK_BYTES } from "../format/self-run/mark.ts";
import { selfImageOffset } from "./self-image.ts";
import {
  access,
  close,
  F_OK,
  lstat,
  mkdir,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  open,
  pread,
  rename,
  write,
} from "./syscall.ts";

const PROGRAM_MODE = 0o755;
const OWN_MODE = 0o700;

/**
 * Words that run a program which this self-running image carries (format/self-run): it is written to
 * a directory of the user's, once. Undefined when there is none of the name, or no place for it.
 */
export function carriedTool(
  name: string,
  env: Readonly<Record<string, string>>,
  uid: number,
): readonly string[] | undefined {
  const offset = selfImageOffset();
  if (offset === 0) return undefined;
  const self = open("/proc/self/exe", O_RDONLY);
  if (self < 0) return undefined;
  try {
    const block = readAt(self, offset - BLOCK_BYTES, BLOCK_BYTES);
    const program = decodeCarried(block ?? new Uint8Array(0)).find((one) => one.name === name);
    if (program === undefined || block === undefined) return undefined;
    const place = placeFor(Bun.hash.wyhash(block).toString(16), env, uid);
    if (place === undefined) return undefined;
    for (const file of program.files) {
      const path = `${place}/${file.name}`;
      if (access(path, F_OK) === 0) continue;
      const bytes = readAt(self, file.offset, file.size);
      if (bytes === undefined || !writeFile(path, bytes)) return undefined;
    }
    const path = `${place}/${name}`;
    return program.loader === ""
      ? [path]
      : [`${place}/${program.loader}`, "--library-path", place, path];
  } finally {
    close(self);
  }
}

/** A directory of the user's alone, below the home or /tmp. */
function placeFor(
  digest: string,
  env: Readonly<Record<string, string>>,
  uid: number,
): string | undefined {
  const home = env["HOME"];
  const bases = [
    home?.startsWith("/") === true ? `${home}/.skiff` : undefined,
    `/tmp/skiff-${uid}`,
  ];
  for (const base of bases) {
    if (base === undefined) continue;
    for (const path of [base, `${base}/carried`, `${base}/carried/${digest}`])
      mkdir(path, OWN_MODE);
    const place = `${base}/carried/${digest}`;
    const isOwn = [base, place].every((path) => {
      const made = lstat(path);
      return made?.kind === "dir" && made.uid === uid && (made.mode & 0o022) === 0;
    });
    if (isOwn) return place;
  }
  return undefined;
}

function writeFile(path: string, bytes: Uint8Array): boolean {
  const temporary = `${path}.${process.pid}.part`;
  const fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, PROGRAM_MODE);
  if (fd < 0) return false;
  let done = 0;
  while (done < bytes.length) {
    const count = write(fd, bytes.subarray(done));
    if (count <= 0) break;
    done += count;
  }
  close(fd);
  return done === bytes.length && rename(temporary, path) === 0;
}

function readAt(fd: number, offset: number, size: number): Uint8Array | undefined {
  const out = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const count = pread(fd, out.subarray(at), offset + at);
    if (count <= 0) return undefined;
    at += count;
  }
  return out;
}
