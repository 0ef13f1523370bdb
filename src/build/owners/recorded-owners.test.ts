import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirName } from "../../base/path.ts";
import { hostFiles } from "../../host/host-files.ts";
import { recordedOwners } from "./recorded-owners.ts";

function ownersIn(files: Readonly<Record<string, string>>): Record<string, string> {
  const root = mkdtempSync(`${tmpdir()}/skiff-test-`);
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirName(root + path), { recursive: true });
      writeFileSync(root + path, text);
    }
    return Object.fromEntries(recordedOwners(hostFiles(root)));
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("recordedOwners() reads dpkg's overrides, names by the root's own accounts", () => {
  expect(
    ownersIn({
      "/etc/passwd": "root:x:0:0::/:\n",
      "/etc/group": "root:x:0:\nmessagebus:x:101:\n",
      "/usr/lib/helper": "",
      "/usr/bin/numbered": "",
      "/var/lib/dpkg/statoverride":
        "root messagebus 4754 /usr/lib/helper\n#5 #7 755 /usr/bin/numbered\nnobody root 755 /usr/lib/helper\nroot messagebus 755 /gone\nbroken\n",
    }),
  ).toEqual({ "/usr/lib/helper": "0:101", "/usr/bin/numbered": "5:7" });
});

test("recordedOwners() reads what apk installed", () => {
  expect(
    ownersIn({
      "/lib/apk/db/installed":
        "P:shadow\nV:1\nF:etc\nR:shadow\na:0:42:640\nR:plain\nF:var/empty\nM:9:9:755\n\n",
      "/etc/shadow": "",
      "/etc/plain": "",
      "/var/empty/x": "",
    }),
  ).toEqual({ "/etc/shadow": "0:42", "/var/empty": "9:9" });
});

test("the owner of a link is not that of what it leads to", () => {
  const root = mkdtempSync(`${tmpdir()}/skiff-test-`);
  try {
    mkdirSync(`${root}/usr/lib/apk/db`, { recursive: true });
    writeFileSync(`${root}/usr/lib/of-root`, "");
    writeFileSync(`${root}/usr/lib/given`, "");
    symlinkSync("usr/lib", `${root}/lib`);
    symlinkSync("of-root", `${root}/usr/lib/link`);
    const installed = "P:x\nV:1\nF:lib\nR:link\na:5:7:777\nR:given\na:8:9:640\n\n";
    writeFileSync(`${root}/usr/lib/apk/db/installed`, installed);
    expect(Object.fromEntries(recordedOwners(hostFiles(root)))).toEqual({
      "/usr/lib/link": "5:7",
      "/usr/lib/given": "8:9",
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("recordedOwners() of a root without package managers is empty", () => {
  expect(ownersIn({ "/x": "" })).toEqual({});
});
