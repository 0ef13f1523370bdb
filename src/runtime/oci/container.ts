import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { ask, type LowLevel } from "./low-level.ts";
import type { OciPlaces } from "./places.ts";

/*
 *   containers/ID/record.json   bundle and times, in nanoseconds since 1970 as decimal text
 *   containers/ID/pid           process id of the container's first process
 *   containers/ID/conmon.pid    of the monitor
 *   containers/ID/bundle        its configuration; attach and ctl are socket and fifo of the monitor
 *   containers/ID/complaints    what the monitor said of its own failure
 *   containers/ID/exit          exit status in decimal, once it ended
 *   containers/ID/log           output, where no other file was named
 */

/** A container of these commands. */
export interface OciContainer {
  readonly id: string;
  readonly folder: string;
}

export interface OciRecord {
  readonly bundle: string;
  readonly createdAt: string;
  readonly startedAt?: string;
}

export type OciStatus = "creating" | "created" | "running" | "paused" | "stopped";

/** What is known of a container. */
export interface OciState {
  readonly ociVersion: string;
  readonly status: OciStatus;
  readonly pid: number;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly record: OciRecord;
  /** Once it ended under a monitor. */
  readonly exitCode: number | undefined;
  readonly finishedAt: string | undefined;
}

const ID = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,62}$/;

/** The container of a name; whether there is one is not looked at. Throws a Fault for no possible name. */
export function containerOf(id: string, places: OciPlaces): OciContainer {
  if (!ID.test(id)) {
    throw new Fault("usage", `Cannot use "${id}" as a container's name`, {
      exitCode: 255,
      hint: "use letters, digits and _ . + -, at most 63 of them",
    });
  }
  return { id, folder: `${places.containers}/${id}` };
}

/** Takes the name for a new container; what a crash left under it is cleared away. */
export function claim(container: OciContainer, tool: LowLevel, bundle: string): void {
  const { id, folder } = container;
  if (ask(tool, ["state", id]).code === 0) throw new Fault("exists", `${id} already exists`);
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Cannot create the container ${id}: ${reason}`, { cause });
  }
  writeRecord(container, { bundle, createdAt: String(BigInt(Date.now()) * 1_000_000n) });
}

export function writeRecord({ folder }: OciContainer, record: OciRecord): void {
  writeFileSync(`${folder}/record.json`, JSON.stringify(record), { mode: 0o600 });
}

/** Everything about a container. Throws a Fault `not-found` when there is none of this name. */
export function stateOf(container: OciContainer, tool: LowLevel): OciState {
  const { id, folder } = container;
  const answer = ask(tool, ["state", id]);
  if (answer.code !== 0) throw new Fault("not-found", `no container found with name ${id}`);
  const told = JSON.parse(answer.stdout) as {
    ociVersion?: string;
    status?: OciStatus;
    pid?: number;
    bundle?: string;
    created?: string;
    annotations?: Record<string, string>;
  };
  const exit = `${folder}/exit`;
  const exitText = readText(exit);
  const finished = exitText === undefined ? undefined : statSync(exit, { bigint: true }).mtimeNs;
  return {
    ociVersion: told.ociVersion ?? "1.0.0",
    status: told.status ?? "stopped",
    pid: told.pid !== undefined && told.pid > 0 ? told.pid : Number(readText(`${folder}/pid`) ?? 0),
    annotations: told.annotations,
    record: readRecord(folder) ?? {
      bundle: told.bundle ?? "",
      createdAt: String(BigInt(Date.parse(told.created ?? "") || 0) * 1_000_000n),
    },
    exitCode: exitText === undefined ? undefined : Number(exitText),
    finishedAt: finished === undefined ? undefined : String(finished),
  };
}

function readRecord(folder: string): OciRecord | undefined {
  const text = readText(`${folder}/record.json`);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as OciRecord;
  } catch {
    // Cut off by a crash: the low-level runtime knows the rest.
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** The state as the reference tool prints it: tab indented, times as whole numbers. */
export function renderState({ id, folder }: OciContainer, state: OciState): string {
  const { record, exitCode } = state;
  const fields = {
    ociVersion: state.ociVersion,
    id,
    status: state.status,
    pid: state.pid,
    bundle: record.bundle,
    annotations: state.annotations,
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    finishedAt: state.finishedAt,
    exitCode,
    exitDesc: exitCode === undefined ? undefined : describeExit(exitCode),
    attachSocket: `${folder}/bundle/attach`,
    controlSocket: `${folder}/bundle/ctl`,
  };
  const text = JSON.stringify(fields, undefined, "\t");
  return `${text.replaceAll(/"((?:created|started|finished)At)": "(\d+)"/g, '"$1": $2')}\n`;
}

function describeExit(code: number): string {
  return code > 128 ? `interrupted by signal ${code - 128}` : `exited with code ${code}`;
}
