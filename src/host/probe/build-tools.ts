import { installLine } from "./_packages.ts";
import { describeTool, toolVersion } from "./_version.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Programs that make and unpack images and root file systems. */
export async function probeBuildTools(input: ProbeInput): Promise<readonly Check[]> {
  const [make, unpack, mmdebstrap, debootstrap] = await Promise.all([
    toolVersion(input, "mksquashfs", ["-version"]),
    toolVersion(input, "unsquashfs", ["-version"]),
    toolVersion(input, "mmdebstrap"),
    toolVersion(input, "debootstrap"),
  ]);
  const compressors = make === undefined ? [] : await readCompressors(input);
  const checks: Check[] = [];
  const mk = { id: "tools.mksquashfs", name: "mksquashfs" };
  if (make === undefined) {
    const means = "images cannot be built";
    checks.push({
      ...mk,
      state: "limited",
      found: "not installed",
      means,
      remedy: installLine("mksquashfs"),
    });
  } else {
    const found = `${describeTool(make)}${compressors.length === 0 ? "" : `: ${compressors.join(", ")}`}`;
    checks.push(
      compressors.length > 0 && !compressors.includes("zstd")
        ? {
            ...mk,
            state: "limited",
            found,
            means: "without zstd, images are compressed slower",
            remedy: "install squashfs-tools 4.4 or newer, built with zstd",
          }
        : { ...mk, state: "ok", found },
    );
  }
  const un = { id: "tools.unsquashfs", name: "unsquashfs" };
  checks.push(
    unpack === undefined
      ? {
          ...un,
          state: "limited",
          found: "not installed",
          means: "images cannot be unpacked, so they run only where they can be mounted",
          remedy: installLine("unsquashfs"),
        }
      : { ...un, state: "ok", found: describeTool(unpack) },
  );
  const boot = { id: "tools.debootstrap", name: "mmdebstrap or debootstrap" };
  const best = mmdebstrap ?? debootstrap;
  const names = [
    mmdebstrap && `mmdebstrap ${describeTool(mmdebstrap)}`,
    debootstrap && `debootstrap ${describeTool(debootstrap)}`,
  ];
  checks.push(
    best === undefined
      ? {
          ...boot,
          state: "limited",
          found: "not installed",
          means: 'definition files with "Bootstrap: debootstrap" cannot be built',
          remedy: installLine("mmdebstrap"),
        }
      : { ...boot, state: "ok", found: names.filter((text) => text !== undefined).join(", ") },
  );
  return checks;
}

/** Names below the line "Compressors available", one a line, further indented lines are their options. */
export function parseCompressors(help: string): readonly string[] {
  const lines = help.split("\n");
  const start = lines.findIndex((line) => /compressors available/i.test(line));
  const names: string[] = [];
  for (const line of start < 0 ? [] : lines.slice(start + 1)) {
    const name = line.match(/^\s+(gzip|lzma|lzo|lz4|xz|zstd)( \(default\))?\s*$/)?.[1];
    if (name !== undefined) names.push(name);
    else if (/^\S/.test(line)) break;
  }
  return names;
}

async function readCompressors(input: ProbeInput): Promise<readonly string[]> {
  for (const flag of ["-help", "-help-all"]) {
    const names = parseCompressors((await toolVersion(input, "mksquashfs", [flag]))?.text ?? "");
    if (names.length > 0) return names;
  }
  return [];
}
