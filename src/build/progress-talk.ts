import type { StepEvent } from "./stage.ts";
import type { Talk } from "./talk.ts";

/** What happened to a step, in one line. */
export function stepLine(event: StepEvent): string {
  switch (event.kind) {
    case "hit": {
      const { title, ageMs = 0, from } = event;
      const source = from === undefined ? "" : `, from ${from}`;
      return `${title}: hit${source}${ageMs < 1000 ? "" : `, made ${formatAge(ageMs)} ago`}`;
    }
    case "miss":
      return `${event.title}: miss: ${event.why}`;
    case "run":
      return `${event.title}: run: ${event.why}`;
    case "wait":
      return `${event.title}: waiting: ${event.why}`;
    case "done": {
      const size = event.sizeBytes === undefined ? "" : `, ${formatBytes(event.sizeBytes)}`;
      return `${event.title}: done in ${formatSeconds(event.elapsedMs).trim()}${size}`;
    }
  }
}

function formatAge(ms: number): string {
  const units = [
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
    [1000, "second"],
  ] as const;
  const [unitMs, name] = units.find(([unit]) => ms >= unit) ?? units[3];
  const count = Math.floor(ms / unitMs);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

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
