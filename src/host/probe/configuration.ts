import { parseConf } from "../../format/conf/parse.ts";
import { readHostText } from "../read-text.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Directives of the other programs that read these files; they mean nothing here. */
const FOREIGN: readonly string[] = [
  "allow kernel extfs",
  "allow kernel squashfs",
  "allow monitoring",
  "apptheus communication socket path",
  "apptheus socket path",
  "cryptsetup path",
  "go path",
  "ldconfig path",
  "mksquashfs path",
  "nvidia-container-cli path",
  "oci mode",
  "root search path",
  "sif fuse",
  "tmp sandbox",
  "unsquashfs path",
  "user search path",
];

/** The configuration file in force, and lines in it that have no effect. */
export async function probeConfiguration(input: ProbeInput): Promise<readonly Check[]> {
  const { file } = input.config;
  const base = { id: "configuration", name: "configuration" };
  if (file === undefined) return [{ ...base, state: "ok", found: "no file, built-in defaults" }];
  const unknown = parseConf(readHostText(file)).filter(
    ({ directive }) => !input.directives.includes(directive) && !FOREIGN.includes(directive),
  );
  if (unknown.length === 0) return [{ ...base, state: "ok", found: file }];
  const lines = unknown.map(({ line, directive }) => `line ${line} "${directive}"`).join(", ");
  return [
    {
      ...base,
      state: "limited",
      found: file,
      means: `there is no such directive: ${lines}`,
      remedy: "spell it in lower case with single blanks, or remove the line",
    },
  ];
}
