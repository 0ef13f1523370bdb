import { expect } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { noUserNamespaces } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";

const dir = scratch("self");

testUnless(noUserNamespaces())(
  "what is mounted in a tree is unmounted before the tree is removed, however the tree is named",
  async () => {
    mkdirSync(`${dir}/real/tree/sp ace`, { recursive: true });
    mkdirSync(`${dir}/source`);
    writeFileSync(`${dir}/source/precious`, "");
    symlinkSync("real", `${dir}/link`);
    // In namespaces of its own, so that it works for everyone.
    const script = `mount --bind ${dir}/source "${dir}/real/tree/sp ace" && exec "$0" -e '
      import { removeTree } from "${treeRoot}/src/build/remove-tree.ts";
      if (!removeTree("${dir}/link/tree")) process.exit(3);'`;
    const done = await run(["unshare", "-Urm", "sh", "-c", script, process.execPath], {
      as: "self",
    });
    expect([done.code, done.stderr]).toEqual([0, ""]);
    expect(readdirSync(`${dir}/real`)).toEqual([]);
    expect(readdirSync(`${dir}/source`)).toEqual(["precious"]);
  },
);
