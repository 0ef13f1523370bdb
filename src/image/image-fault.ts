import { errnoText } from "../base/errno-text.ts";
import { Fault, type FaultCode, type FaultOptions } from "../base/fault.ts";

/*
 * Sentences about images that cannot be opened. They begin like the peer's ("could not open image
 * PATH: …"), as workflow engines look for those words.
 */

/** The Fault of an image that cannot be used, with the reason and what to do. */
export function imageFault(
  code: FaultCode,
  path: string,
  reason: string,
  options: FaultOptions = {},
): Fault {
  return new Fault(code, `could not open image ${path}: ${reason}`, options);
}

const EACCES = 13;

/** The Fault for a path that leads nowhere; `errno` is positive. */
export function pathFault(path: string, errno: number): Fault {
  const reason = `failed to retrieve path for ${path}: ${errnoText(errno)}`;
  if (errno === EACCES) {
    return imageFault("denied", path, reason, {
      hint: "every directory on the way needs execute permission for you",
    });
  }
  return imageFault("not-found", path, reason, {
    hint: "check the name; an image that is not a local file needs its scheme, such as docker:// or library://",
  });
}

/** The Fault for an existing file that cannot be opened; `errno` is positive. */
export function readFault(path: string, errno: number): Fault {
  if (errno === EACCES) {
    return imageFault("denied", path, `${path} is not readable by the current user`, {
      hint: "ask its owner for read permission, or copy it",
    });
  }
  return imageFault("io", path, errnoText(errno));
}

/** The same Fault with the image named, for the readers below, which do not know its path. */
export function withImage(path: string, error: unknown): unknown {
  if (!(error instanceof Fault) || error.message.includes(path)) return error;
  const reason = error.message.slice(0, 1).toLowerCase() + error.message.slice(1);
  return imageFault(error.code, path, reason, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
