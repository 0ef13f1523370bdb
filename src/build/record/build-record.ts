import type { BuildRequest } from "../build.ts";
import { lastWords, runChild } from "../child.ts";
import type { Before } from "../root/undo-edits.ts";
import type { BuildPorts, Stage } from "../stage.ts";
import { type RecordedState, recordedState } from "./recorded-state.ts";

/**
 * Member of the SIF object `inspect-metadata.json` with the inputs of a build. An object of its own
 * would be one more than the peer's images have.
 */
const MEMBER = "skiff-build";

/** A step and what its result depended on; null: not known. */
export interface RecordedStep {
  readonly title: string;
  readonly inputs: Readonly<Record<string, string>> | null;
}

/** What an image was built of: all that is needed to build it again, and to see what has changed. */
export interface BuildRecord {
  readonly format: 1;
  readonly program: string;
  /** GOARCH name. */
  readonly arch: string;
  /** No time in the image is later; seconds since 1970. */
  readonly latestSeconds: number;
  readonly flags: RecordedFlags;
  /** Steps of all stages, in order. */
  readonly steps: readonly RecordedStep[];
  readonly tools: Readonly<Record<string, string>>;
  /** For `--cache-from`; absent where it is not known what a step depends on. */
  readonly state?: RecordedState;
}

/** Flags that change the bytes of an image. */
export interface RecordedFlags {
  readonly sections: readonly string[];
  readonly fixPermissions: boolean;
  readonly mksquashfsArgs: readonly string[];
  /** `--source-date-epoch`; null when the time comes from the content. */
  readonly sourceDateEpoch: number | null;
  /** For a Dockerfile, whose text is kept as it was: its arguments, and the stage, "" being the last. */
  readonly dockerfile?: DockerfileChoices;
}

/** What decides what a Dockerfile means besides its text. */
export interface DockerfileChoices {
  /** Name of its file, without directories. */
  readonly name: string;
  readonly arguments: Readonly<Record<string, string>>;
  readonly target: string;
}

/** The text of `inspect-metadata.json` with a record in it. */
export function withRecord(metadata: string, record: BuildRecord): string {
  return metadata.replace(/\}\s*$/, `,${JSON.stringify(MEMBER)}:${JSON.stringify(record)}}`);
}

/** The record of a build. Nothing in it tells when or by whom the image was built. */
export async function buildRecord(
  request: BuildRequest,
  stage: Stage,
  latestSeconds: number,
  before: readonly Before[],
): Promise<BuildRecord> {
  const { options, pack } = request;
  // What an encrypted root had before would be in clear.
  const state = pack.encryption === undefined ? recordedState(stage, before) : undefined;
  return {
    format: 1,
    program: `skiff ${options.version}`,
    arch: options.arch,
    latestSeconds,
    flags: {
      sections: options.sections,
      fixPermissions: options.fixPermissions,
      mksquashfsArgs: pack.extraArguments,
      sourceDateEpoch: pack.sourceDateEpoch ?? null,
      ...(request.dockerfile === undefined ? {} : { dockerfile: request.dockerfile }),
    },
    steps: stage.steps ?? [],
    tools: { mksquashfs: await versionOf("mksquashfs", "-version", stage.ports) },
    ...(state === undefined ? {} : { state }),
  };
}

async function versionOf(name: string, option: string, ports: BuildPorts): Promise<string> {
  const tool = ports.tool(name);
  if (tool === undefined) return "";
  const { signal } = ports;
  const argv = [tool, option];
  const end = await runChild({ argv, stdin: "none", stdout: "keep", stderr: "keep", signal });
  return /\b\d+(?:\.\d+)+\S*/.exec(lastWords(end.stdout + end.stderr, 99))?.[0] ?? "";
}

/** The record in the text of `inspect-metadata.json`; undefined where there is none. */
export function recordIn(metadata: string): BuildRecord | undefined {
  try {
    const members: unknown = JSON.parse(metadata);
    const value: unknown = new Map(Object.entries(members ?? {})).get(MEMBER);
    const isRecord =
      typeof value === "object" &&
      value !== null &&
      "format" in value &&
      value.format === 1 &&
      "flags" in value &&
      "steps" in value &&
      Array.isArray(value.steps);
    // Written by this program only, in the shape of its format.
    return isRecord ? (value as BuildRecord) : undefined;
  } catch {
    return undefined;
  }
}
