import { beforeAll, describe, expect } from "bun:test";
import { chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { BUSYBOX, IMAGE_TREE, makeTree } from "./image-tree.ts";

/** What the configuration says about images and memory, with the directive in the refusal. */
const dir = scratch();
const user = ordinaryUser();
const lack = firstReason(existsSync(BUSYBOX) ? undefined : noTool("busybox"), noUserNamespaces());

beforeAll(() => {
  if (lack !== undefined) return;
  mkdirSync(`${dir}/allowed`);
  makeTree(`${dir}/allowed/img`, IMAGE_TREE);
  if (isRoot) chownSync(`${dir}/allowed/img`, user?.uid ?? 0, user?.gid ?? 0);
});

async function start(line: string, ...words: string[]) {
  writeFileSync(`${dir}/site.conf`, `${line}\n`);
  const command = words.length === 0 ? ["exec", `${dir}/allowed/img`, "echo", "ok"] : words;
  return await skiff(["--config", `${dir}/site.conf`, ...command], { cwd: dir });
}

describe("images are held to", () => {
  for (const [line, allowed] of [
    ["limit container owners = daemon", false],
    [`limit container owners = daemon, ${user?.name}`, true],
    ["limit container groups = daemon", false],
    ["limit container paths = /no/such, /usr", false],
    ["limit container paths = @/allow", false],
    ["limit container paths = /usr, @/allowed", true],
    ["limit container paths = @/link", true],
  ] as const) {
    testUnless(lack)(line, async () => {
      if (line.endsWith("link") && !existsSync(`${dir}/link`)) {
        Bun.spawnSync(["ln", "-s", "allowed", `${dir}/link`]);
      }
      const { code, stdout, stderr } = await start(line.replace("@", dir));
      expect([code, stdout], stderr).toEqual(allowed ? [0, "ok\n"] : [255, ""]);
      if (!allowed) expect(stderr).toContain(`"${line.split(" =")[0]}" in ${dir}/site.conf`);
    });
  }
});

describe("memory fs type", () => {
  testUnless(lack)("= ramfs is what contained directories are on", async () => {
    const words = ["exec", "--contain", `${dir}/allowed/img`, "grep", " /tmp ", "/proc/mounts"];
    expect((await start("memory fs type = ramfs", ...words)).stdout).toContain(" ramfs ");
    expect((await start("memory fs type = tmpfs", ...words)).stdout).toContain(" tmpfs ");
  });
});
