import type { InstanceRecord } from "../../runtime/instances/records.ts";
import { addressesOf } from "../../runtime/network/cni.ts";

/** What a list tells of an instance. */
export type Row = Pick<InstanceRecord, "name" | "pid" | "image" | "logErrPath" | "logOutPath">;

/** What `instance list --json` prints; callers read it (reference: callers.md). */
export function instancesAsJson(instances: readonly Row[]): string {
  const rows = instances.map((one) => ({
    instance: one.name,
    pid: one.pid,
    img: one.image,
    ip: addressOf(one),
    logErrPath: one.logErrPath,
    logOutPath: one.logOutPath,
  }));
  return `${JSON.stringify({ instances: rows }, undefined, "\t")}\n`;
}

/** What the first network of plugins gave it: only root has such. */
function addressOf(one: Pick<InstanceRecord, "pid">): string {
  return addressesOf(one.pid)[0] ?? "";
}

/** Name, process id, address and image, a line each. */
export function instanceTable(instances: readonly Row[]): string {
  return columns([
    ["INSTANCE NAME", "PID", "IP", "IMAGE"],
    ...instances.map((one) => [one.name, String(one.pid), addressOf(one), one.image]),
  ]);
}

/** Name, process id and log files, two lines each. */
export function logTable(instances: readonly Row[]): string {
  return columns([
    ["INSTANCE NAME", "PID", "LOGS"],
    ...instances.flatMap((one) => [
      [one.name, String(one.pid), one.logErrPath],
      ["", "", one.logOutPath],
    ]),
  ]);
}

/** Cells in columns, four blanks apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) => {
      const last = row.length - 1;
      return `${row.map((cell, i) => (i === last ? cell : cell.padEnd((widths[i] ?? 0) + 4))).join("")}\n`;
    })
    .join("");
}
