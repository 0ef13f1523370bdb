/** Where things stand after the first pivot: the session's memory is `/`, the caller's tree below it. */
export const HOST = "/host";
/** The container's root. */
export const ROOT = "/root";
export const IMAGE = "/image";
export const MOUNT_POINTS = "/mount-points";
export const UPPER = "/upper";
export const WORK = "/work";
export const UNDER = "/under";
/** An encrypted root, and what it holds in clear. */
export const CIPHER = "/cipher";
export const CLEAR = "/clear";

export function overlayDir(index: number): string {
  return `/overlay/${index}`;
}

export function dataDir(index: number): string {
  return `/data/${index}`;
}

export function fuseDir(index: number): string {
  return `/fuse/${index}`;
}

export function stagedFile(index: number): string {
  return `/staged/${index}`;
}

export function sessionDir(index: number): string {
  return `/dirs/${index}`;
}
