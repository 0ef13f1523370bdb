/**
 * Writes man pages and completion scripts below a directory (default dist):
 *
 *   DIR/man/man1/skiff*.1          DIR/completions/{bash/skiff,zsh/_skiff,fish/skiff.fish}
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadAllCommands } from "../src/cli/command-index.ts";
import { formatCompletionScript } from "../src/cli/completion-scripts.ts";
import { formatAllManPages } from "../src/cli/man.ts";

const target = process.argv[2] ?? "dist";

function place(path: string, text: string): void {
  const file = join(target, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

for (const { name, text } of formatAllManPages(await loadAllCommands())) {
  place(`man/man1/${name}.1`, text);
}
place("completions/bash/skiff", formatCompletionScript("bash", "skiff"));
place("completions/zsh/_skiff", formatCompletionScript("zsh", "skiff"));
place("completions/fish/skiff.fish", formatCompletionScript("fish", "skiff"));
