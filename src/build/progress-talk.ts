import type { Talk } from "./talk.ts";

/** A talk that puts the time since the build began before every heading. */
export function timedTalk(talk: Talk, now: () => number): Talk {
  const began = now();
  return {
    info: (text) => talk.info(`[${formatSeconds(now() - began)}] ${text}`),
    warning: (text) => talk.warning(text),
    verbose: (text) => talk.verbose(text),
  };
}

/** Milliseconds as seconds in six columns, minutes before them from one on. */
export function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1).padStart(5)}s`;
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2)}m${String(whole % 60).padStart(2, "0")}s`;
}

/** Bytes in a unit that leaves one to three digits before the point. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
