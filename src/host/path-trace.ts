/** How a path was used: only looked at (what it is), or for what it holds (opened, listed). */
export type PathUse = "look" | "content";

/** Noted when a name service (LDAP, SSSD) was asked: its answers have no file that would show a change. */
export const NAME_SERVICE: string = "name-service:";

let uses: Map<string, PathUse> | undefined;

/** From now on every path that reaches the kernel by host/syscall.ts is noted. */
export function startTrace(): void {
  uses = new Map();
}

/** Notes a path; the stronger use counts. Costs nothing while no trace runs. */
export function notePath(path: string, use: PathUse): void {
  if (uses === undefined) return;
  if (use === "content" || !uses.has(path)) uses.set(path, use);
}

/** Ends the trace and gives what was noted; undefined when none ran. */
export function endTrace(): ReadonlyMap<string, PathUse> | undefined {
  const noted = uses;
  uses = undefined;
  return noted;
}
