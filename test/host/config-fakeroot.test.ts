import { afterAll, expect } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";

/*
 * `config fakeroot` on an /etc of its own, as the root of a user namespace: the real files are never
 * touched.
 */
const top = mkdtempSync(`${tmpdir()}/skiff-fakeroot-`);
afterAll(() => rmSync(top, { recursive: true }));
const etc = `${top}/etc`;
mkdirSync(etc);
writeFileSync(
  `${etc}/passwd`,
  "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
);
writeFileSync(`${etc}/subuid`, "# kept\nbob:100000:65536\n", { mode: 0o640 });

const SCRIPT = `
import { run } from "${import.meta.dir}/../../src/commands/config.ts";
const [flag, user] = process.argv.slice(2);
const inv = { path: ["config", "fakeroot"], args: [user], bool: (name) => name === flag, command: {} };
try { process.exitCode = run(inv, { program: "skiff", env: {} }); }
catch (error) { console.log(error.message); process.exitCode = 255; }
`;

function fakeroot(flag: string, user: string): string {
  const file = `${top}/run.ts`;
  writeFileSync(file, SCRIPT);
  const inside = `mount --bind ${etc} /etc && exec "$@"`;
  const argv = ["unshare", "-Urm", "sh", "-c", inside, "sh", process.execPath, file, flag, user];
  const child = Bun.spawnSync(argv, { env: { PATH: "/usr/bin:/bin" }, stdin: "ignore" });
  return child.stdout.toString().trim() + child.stderr.toString();
}

const files = () => [readFileSync(`${etc}/subuid`, "utf8"), readFileSync(`${etc}/subgid`, "utf8")];

testUnless(firstReason(noUserNamespaces(), noTool("unshare")))(
  "config fakeroot adds, disables, enables and removes ranges in both files",
  () => {
    expect(fakeroot("add", "ann")).toBe("");
    expect(files()).toEqual([
      "# kept\nbob:100000:65536\n1000:4294836224:65536\n",
      "1000:4294836224:65536\n",
    ]);
    expect(fakeroot("disable", "bob")).toBe("");
    expect(files()[0]).toBe("# kept\n!bob:100000:65536\n1000:4294836224:65536\n");
    expect(fakeroot("enable", "bob")).toBe("");
    expect(fakeroot("remove", "ann")).toBe("");
    expect(files()).toEqual(["# kept\nbob:100000:65536\n", ""]);
    expect(fakeroot("remove", "ann")).toBe(
      "while removing ann: no mapping entry found in /etc/subuid for ann",
    );
    expect(fakeroot("add", "nosuch")).toBe("while adding nosuch: there is no such user");
  },
);
