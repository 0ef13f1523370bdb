import { attempt } from "./_attempt.ts";
import type { ProbeInput } from "./check.ts";

/** A program of the host and what it says its version is. */
export interface ToolVersion {
  readonly path: string;
  /** "4.5.1"; empty when it did not say. */
  readonly version: string;
  /** Everything it printed. */
  readonly text: string;
}

/** Looks a tool up and asks its version with the words in `args`; undefined when it is not installed. */
export async function toolVersion(
  { host }: ProbeInput,
  name: string,
  args: readonly string[] = ["--version"],
): Promise<ToolVersion | undefined> {
  const path = host.tool(name);
  if (path === undefined) return undefined;
  const { text } = await attempt([path, ...args], host.env);
  // The number behind the tool's own name: some print those of their libraries first.
  const own = text.match(
    new RegExp(`${name.replace(/_ll$/, "")}\\S*(?: version)?[: ]+v?(\\d[\\w.+~-]*)`, "i"),
  );
  const version = own?.[1] ?? text.match(/\bv?(\d+\.\d[\w.+~-]*)/)?.[1] ?? "";
  return { path, version, text };
}

/** "4.5.1 (/usr/bin/mksquashfs)". */
export function describeTool({ path, version }: ToolVersion): string {
  return version === "" ? path : `${version} (${path})`;
}
