import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import { dirName, resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { HEAD_BYTES, imageOffset, markProgram } from "../format/self-run/mark.ts";
import { hostFacts } from "../host/facts.ts";
import { imageHost } from "../host/image-host.ts";
import { type OpenFile, openFile } from "../host/open-file.ts";
import { close, fsync, pwrite, rename, stat } from "../host/syscall.ts";
import { openImageFile } from "../image/image-file.ts";
import { gatherCarried } from "../runtime/gather-carried.ts";
import { ownBinary } from "../runtime/installed.ts";
import type { Context } from "../terminal/context.ts";
import { namelessFile } from "./_nameless-file.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;
const PROGRAM_MODE = 0o755;

/** `export --self-run IMAGE FILE`: a program of an image; `export --extract PROGRAM FILE`: the image of one. */
export function run(inv: Invocation, ctx: Context): number {
  const [word = "", target = ""] = inv.args;
  const cwd = hostFacts({ binaryPath: "$PATH", env: ctx.env }).cwd ?? "/";
  const [image, path] = [resolvePath(cwd, word), resolvePath(cwd, target)];
  if (inv.bool("self-run") === inv.bool("extract")) {
    throw new Fault("usage", `Cannot export ${word}: say in which form`, {
      hint: "--self-run makes a program of it, --extract takes the image out of one",
    });
  }
  const isForced = inv.bool("force");
  if (!isForced && stat(path) !== undefined) {
    throw new Fault("exists", `Cannot export to ${target}: the file exists`, {
      hint: "use --force to replace it",
    });
  }
  const source = opened(image, word);
  try {
    if (inv.bool("self-run")) {
      const { format } = openImageFile(image, imageHost);
      if (format === "directory") {
        throw new Fault("invalid", `Cannot export ${word}: it is a directory`, {
          hint: "make an image of it first: skiff build IMAGE.sif DIRECTORY",
        });
      }
      writeProgram(source, path, target, isForced);
    } else {
      const offset = imageOffset(
        source.source.read(0, Math.min(HEAD_BYTES, source.source.sizeBytes)),
      );
      if (offset === 0) {
        throw new Fault(
          "invalid",
          `Cannot take the image out of ${word}: it is no self-running image`,
        );
      }
      write(path, target, isForced, (put) => {
        copy(source, offset, source.source.sizeBytes, 0, put);
      });
    }
  } finally {
    source.close();
  }
  return 0;
}

type Put = (bytes: Uint8Array, offset: number) => void;

function writeProgram(image: OpenFile, path: string, word: string, isForced: boolean): void {
  const program = opened(ownBinary(), "this program");
  try {
    const size = program.source.sizeBytes;
    const first = program.source.read(0, HEAD_BYTES);
    const inner = imageOffset(image.source.read(0, Math.min(HEAD_BYTES, image.source.sizeBytes)));
    // A program that carries an image gives itself and what it carries besides.
    const own = imageOffset(first);
    const parts = own === 0 ? gatherCarried(["squashfuse_ll"], size) : { start: own, pieces: [] };
    const { start } = parts;
    write(path, word, isForced, (put) => {
      copy(program, 0, own || size, 0, put);
      for (const piece of parts.pieces) put(piece.bytes, piece.offset);
      put(markProgram(first, start), 0);
      copy(image, inner, image.source.sizeBytes, start, put);
    });
  } finally {
    program.close();
  }
}

function copy(from: OpenFile, start: number, end: number, to: number, put: Put): void {
  for (let at = start; at < end; at += CHUNK_BYTES) {
    put(from.source.read(at, Math.min(CHUNK_BYTES, end - at)), to + at - start);
  }
}

/** Writes a file that has its name only when it is whole and on disk. */
function write(path: string, word: string, isForced: boolean, fill: (put: Put) => void): void {
  const file = namelessFile(dirName(path), word, PROGRAM_MODE);
  const temporary = `${path}.${process.pid}.part`;
  try {
    fill((bytes, offset) => {
      for (let done = 0; done < bytes.length; ) {
        const count = pwrite(file.fd, bytes.subarray(done), offset + done);
        if (count <= 0) throw new Fault("io", `Cannot write ${word}: ${errnoText(-count)}`);
        done += count;
      }
    });
    if (!isForced) {
      file.nameIt(path);
      return;
    }
    file.nameIt(temporary);
    fsync(file.fd);
    const status = rename(temporary, path);
    if (status < 0) throw new Fault("io", `Cannot write ${word}: ${errnoText(-status)}`);
  } finally {
    file.drop();
    close(file.fd);
  }
}

function opened(path: string, word: string): OpenFile {
  const file = openFile(path);
  if (typeof file !== "number") return file;
  throw new Fault("not-found", `Cannot read ${word}: ${errnoText(-file)}`);
}
