import { readdirSync, readFileSync } from "node:fs";

/** How long a program may take to end by itself when the build is stopped. */
const GRACE_MS = 600;

/**
 * Ends a program with all that it started: first politely, then not; resolves when all are gone. The
 * descendants are listed before the first signal, because those whose parent dies are no longer found
 * from above.
 */
export async function killTree(pid: number): Promise<void> {
  let pids = [pid, ...descendantsOf(pid)];
  for (const one of pids) send(one, "SIGTERM");
  const deadline = performance.now() + GRACE_MS;
  while (performance.now() < deadline) {
    await Bun.sleep(20);
    pids = pids.filter(isAlive);
    if (pids.length === 0) return;
  }
  for (const one of pids.flatMap((p) => [p, ...descendantsOf(p)])) send(one, "SIGKILL");
}

/** Whether a process exists and is more than an entry that its parent has not read yet. */
export function isAlive(pid: number): boolean {
  const state = statOf(String(pid))?.state;
  return state !== undefined && state !== "Z";
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Process ids of children, their children, and so on. */
export function descendantsOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const parent = statOf(name)?.parent;
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const own = children.get(next) ?? [];
    found.push(...own);
    queue.push(...own);
  }
  return found;
}

function statOf(
  name: string,
): { readonly state: string | undefined; readonly parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "latin1");
    // The name in parentheses may hold anything; state and parent follow its last parenthesis.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
