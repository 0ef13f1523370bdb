import type { Dockerfile } from "./tree.ts";

/** The file again, byte for byte. */
export function renderDockerfile(file: Dockerfile): string {
  const lines = file.items.flatMap((item) =>
    item.kind === "idle" ? [item.line] : item.instruction.lines,
  );
  return lines.map((line) => line.text + line.end).join("");
}
