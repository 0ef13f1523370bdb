import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import {
  fsync,
  linkDescriptor,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_TMPFILE,
  open,
  rename,
  stat,
  unlink,
} from "../host/syscall.ts";

const EEXIST = -17;
/** The file system or the kernel knows no files without a name. */
const NO_TMPFILE = [-95, -21, -22];

/** A file that is being made: it goes with the process unless it gets its name. */
export interface NamelessFile {
  readonly fd: number;
  /** Names it once it is on disk; throws a Fault `exists` rather than replace a file. */
  nameIt(path: string): void;
  /** Gives up what may have been named in between. */
  drop(): void;
}

/**
 * A new file of the caller alone in `directory`. Where files must have names it has a temporary one,
 * which only death by SIGKILL leaves behind. `word` is what it is, with its final
 * name, for messages.
 */
export function namelessFile(directory: string, word: string, mode: number = 0o600): NamelessFile {
  const fd = open(directory, O_TMPFILE | O_RDWR, mode);
  if (fd >= 0) {
    return { fd, nameIt: (path) => nameIt(fd, path, word, undefined), drop: () => {} };
  }
  if (!NO_TMPFILE.includes(fd)) throw cannot(word, fd);
  const temporary = `${directory}/.${process.pid}.skiff.part`;
  const named = open(temporary, O_RDWR | O_CREAT | O_EXCL, mode);
  if (named < 0) throw cannot(word, named);
  return {
    fd: named,
    nameIt: (path) => nameIt(named, path, word, temporary),
    drop: () => {
      unlink(temporary);
    },
  };
}

function nameIt(fd: number, path: string, word: string, temporary: string | undefined): void {
  const synced = fsync(fd);
  if (synced < 0) throw cannot(word, synced);
  const isThere = temporary !== undefined && stat(path) !== undefined;
  const status = isThere
    ? EEXIST
    : temporary === undefined
      ? linkDescriptor(fd, path)
      : rename(temporary, path);
  if (status === EEXIST) {
    throw new Fault("exists", `${word} already exists`, {
      hint: "choose another name, or delete the file",
    });
  }
  if (status < 0) throw cannot(word, status);
}

function cannot(word: string, status: number): Fault {
  return new Fault("io", `Cannot make ${word}: ${errnoText(-status)}`);
}
