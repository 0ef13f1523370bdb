import { readHostText } from "./read-text.ts";

/** Signals that end a command in good order, with their numbers. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Calls `stop` when a signal asks this process to end; `status` is what a shell would tell. Signals that
 * the caller ignores (`nohup`, a job in the background of a script) stay ignored, for the program that
 * replaces this one too. Gives what ends it.
 */
export function onStopSignal(stop: (name: string, status: number) => void): () => void {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readHostText("/proc/self/status"))?.[1] ?? "0";
  const isIgnored = (signal: number): boolean =>
    ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
  const handlers = Object.entries(SIGNALS)
    .filter(([, signal]) => !isIgnored(signal))
    .map(([name, signal]) => [name, () => stop(name, 128 + signal)] as const);
  for (const [name, handler] of handlers) process.on(name, handler);
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}
