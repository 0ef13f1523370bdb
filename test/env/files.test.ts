import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testUnless } from "../support/skip.ts";
import { evaluateHere, realFiles, sameEffect } from "./evaluate-here.ts";
import { noBash, runInBash } from "./run-in-bash.ts";

const root = mkdtempSync(join(tmpdir(), "env-files-"));
// What only its owner may list is left to a shell.
chmodSync(root, 0o755);
mkdirSync(join(root, "dir/sub"), { recursive: true });
mkdirSync(join(root, "bin"));
mkdirSync(join(root, "empty"));
writeFileSync(join(root, "file"), "text\n");
writeFileSync(join(root, "nothing"), "");
writeFileSync(join(root, "dir/b.sh"), 'export SOURCED=$SOURCED:b ARGS="$#"\nreturn 4\n');
writeFileSync(join(root, "dir/a.sh"), "export SOURCED=$SOURCED:a\n");
writeFileSync(join(root, "dir/.hidden.sh"), "export SOURCED=hidden\n");
writeFileSync(join(root, "dir/c [x].sh"), "export SOURCED=$SOURCED:c\n");
writeFileSync(join(root, "bin/tool"), "#!/bin/sh\n");
chmodSync(join(root, "bin/tool"), 0o755);
chmodSync(join(root, "dir/a.sh"), 0o644);
symlinkSync("file", join(root, "link"));
symlinkSync("nowhere", join(root, "dangling"));
symlinkSync("dir", join(root, "dirlink"));
symlinkSync("loop", join(root, "loop"));

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Answered as bash does; R is the folder. */
const ANSWERED = [
  ...["e", "f", "d", "h", "L", "s", "r", "x", "p", "S", "b", "c", "u", "g", "k", "a"].flatMap(
    (flag) =>
      [
        "file",
        "nothing",
        "dir",
        "link",
        "dangling",
        "dirlink",
        "loop",
        "missing",
        "file/",
        "dir/",
        "file/x",
        "dirlink/a.sh",
        "dirlink/../file",
        "bin/tool",
      ].map(
        (path) => `[ -${flag} $R/${path} ] && export A=1; [[ -${flag} $R/${path} ]] || export B=1`,
      ),
  ),
  '[ -e "" ] || export A=1; [ ! -f $R/missing ] && export B=1; test -d $R/dir -a -f $R/file && export C=1',
  'for f in $R/dir/*.sh; do L="$L<${f##*/}>"; done; export L',
  'for f in $R/dir*/*.sh $R/no*.x $R/dir*/; do L="$L<${f#$R}>"; done; export L',
  'echo $R/dir/[ab].sh $R/dir/?.sh "$R/dir/*.sh" $R/dir/.*.sh $R/dir/\\*.sh | { :; }',
  'X="$R/dir/*.sh"; for f in $X; do L="$L<${f##*/}>"; done; for f in "$X"; do M=${f##*/}; done; export L M',
  "for f in $R/empty/*; do export L=${f#$R}; done; set -f; for f in $R/dir/*; do export M=${f#$R}; done",
  '. $R/dir/a.sh; source "$R/dir/b.sh"; export S=$?; . "$R/dir/b.sh" x y; export N=$#',
  'for f in $R/dir/*.sh; do if [ -r "$f" ]; then . "$f"; fi; done; unset f',
  "PATH=$R/empty:$R/bin; command -v tool >/dev/null && export A=$(command -v tool); command -v nosuch || export B=$?",
  "PATH=$R/bin; if command -v tool >/dev/null 2>&1; then export A=1; fi; type tool >/dev/null 2>&1 && export B=1; type nosuch &>/dev/null || export C=1",
].map((text) => `R=${root}\n${text.replace(" | { :; }", "")}`);

/** Left to a shell. */
const REFUSED = [
  "[ -f /etc/passwd ]",
  "[ -w $R/file ]",
  "[ $R/file -nt $R/nothing ]",
  "for f in /etc/*; do :; done",
  ". $R/missing",
  ". /etc/profile",
  "PATH=/usr/bin:$R/bin; command -v tool",
  "[ -t 0 ]",
  "[ -O $R/file ]",
  "cd $R; [ -f file ]",
  "export A=$(< $R/file)",
  "tool",
].map((text) => `R=${root}\n${text}`);

describe("scripts that ask for files", () => {
  testUnless(noBash())("get the answers that bash gives", () => {
    const files = realFiles(root);
    const expected = runInBash(ANSWERED);
    const wrong: unknown[] = [];
    for (const [position, script] of ANSWERED.entries()) {
      const here = evaluateHere(script, files);
      const bash = expected[position];
      if (typeof here === "string" || !sameEffect(here, bash)) wrong.push({ script, here, bash });
    }
    expect(wrong).toEqual([]);
  });

  for (const script of REFUSED) {
    test(`are left to a shell: ${script.split("\n")[1]}`, () => {
      expect(evaluateHere(script, realFiles(root))).toBeString();
    });
  }
});
