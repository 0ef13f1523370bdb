import { expect, test } from "bun:test";
import { callerFileLimit } from "./caller-file-limit.ts";

const limits = (soft: string, hard: string): string =>
  [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max core file size        0                    unlimited            bytes     ",
    `Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files     `,
    "",
  ].join("\n");

test.each([
  ["the parent has a lower soft limit", 4096, limits("1024", "4096"), { soft: 1024, hard: 4096 }],
  ["the parent has the same limit", 4096, limits("4096", "4096"), undefined],
  ["the parent's hard limit differs", 4096, limits("1024", "8192"), undefined],
  [
    "there is no limit at all",
    Number.POSITIVE_INFINITY,
    limits("unlimited", "unlimited"),
    undefined,
  ],
  [
    "only the hard limit is unlimited",
    Number.POSITIVE_INFINITY,
    limits("1024", "unlimited"),
    { soft: 1024, hard: Number.POSITIVE_INFINITY },
  ],
  ["the text holds nothing of use", 4096, "", undefined],
])("callerFileLimit() when %s", (_, hard, text, expected) => {
  expect(callerFileLimit({ soft: hard, hard }, text)).toEqual(expected);
});

test("callerFileLimit() leaves a soft limit alone that was not raised", () => {
  expect(callerFileLimit({ soft: 512, hard: 4096 }, limits("256", "4096"))).toBeUndefined();
});

test("callerFileLimit() finds what the shell that started this process had", () => {
  const script = `
    const { callerFileLimit } = await import(${JSON.stringify(`${import.meta.dir}/caller-file-limit.ts`)});
    console.log(JSON.stringify(callerFileLimit() ?? null));
  `;
  // The trailing command keeps the shell from becoming the program by exec.
  const command = `ulimit -Sn 300; "$0" -e "$1"; :`;
  const child = Bun.spawnSync(["sh", "-c", command, process.execPath, script]);
  expect(JSON.parse(child.stdout.toString())).toMatchObject({ soft: 300 });
});
