import { BIND_FLAGS, type MountList } from "./mount-list.ts";

/** An empty directory that lives in the session's memory. */
export function addSessionDir(
  list: MountList,
  target: string,
  mode: number,
  what: string,
  why: string,
): void {
  const place = list.place(target, { kind: "dir", what, optional: "session" });
  if (place === undefined) return;
  list.add(
    { kind: "session-dir", target: place.target, mode, flags: BIND_FLAGS, why },
    undefined,
    target,
  );
}
