import { call, EINVAL, pathAt, RESULT, RESULT_AT, SYS } from "./_raw-call.ts";
import { lgetxattr } from "./syscall.ts";

const CAPABILITY = "security.capability";

/**
 * The capabilities that a program file gives (capabilities(7)), as bytes that stand for the same in
 * this user namespace; undefined where there are none.
 */
export function fileCapabilities(path: string): Uint8Array | undefined {
  return lgetxattr(path, CAPABILITY);
}

/** Names of the extended attributes of a file or link; none where there can be none. */
export function llistxattr(path: string): readonly string[] {
  const at = pathAt(path);
  const length = at < 0 ? at : call(SYS.llistxattr, at, RESULT_AT, RESULT.length);
  if (length <= 0) return [];
  return new TextDecoder().decode(RESULT.subarray(0, length - 1)).split("\0");
}

/** Takes an attribute off a file or link; 0, or minus the errno. */
export function lremovexattr(path: string, name: string): number {
  const at = pathAt(path);
  const nameAt = pathAt(name, 1);
  return at < 0 || nameAt < 0 ? -EINVAL : call(SYS.lremovexattr, at, nameAt);
}

/** Gives a file those capabilities; 0, or minus the errno: -95 where its file system takes none. */
export function setFileCapabilities(path: string, value: Uint8Array): number {
  const at = pathAt(path);
  const nameAt = pathAt(CAPABILITY, 1);
  if (at < 0 || nameAt < 0 || value.length > RESULT.length) return -EINVAL;
  RESULT.set(value);
  return call(SYS.lsetxattr, at, nameAt, RESULT_AT, value.length, 0);
}
