import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { type Finished, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** The table of granted capabilities, and what it does for root's containers. */
const dir = scratch("self");
const lack = firstReason(notRoot(), existsSync(BUSYBOX) ? undefined : noTool("busybox"));

beforeAll(() => {
  if (lack === undefined) makeTree(`${dir}/img`, IMAGE_TREE);
});

let count = 0;

/** A configuration of its own, with a table beside it. */
function site(lines: string, grants?: object): string {
  const own = `${dir}/site${count++}`;
  Bun.spawnSync(["mkdir", own]);
  writeFileSync(`${own}/skiff.conf`, lines);
  if (grants !== undefined) writeFileSync(`${own}/capability.json`, JSON.stringify(grants));
  return own;
}

const skiff = (own: string, ...words: string[]): Promise<Finished> =>
  run([skiffPath, "--config", `${own}/skiff.conf`, ...words], { as: "self", cwd: dir });

describe("capability", () => {
  testUnless(lack)("adds, lists and drops", async () => {
    const own = site("");
    expect((await skiff(own, "capability", "list")).code).toBe(255);
    expect((await skiff(own, "capability", "add", "-u", "daemon", "net_raw,CAP_CHOWN")).code).toBe(
      0,
    );
    expect((await skiff(own, "capability", "add", "--group", "daemon", "net_raw")).code).toBe(0);
    expect((await skiff(own, "capability", "list")).stdout).toBe(
      "daemon [user]: CAP_CHOWN,CAP_NET_RAW\ndaemon [group]: CAP_NET_RAW\n",
    );
    expect(JSON.parse(readFileSync(`${own}/capability.json`, "utf8"))).toEqual({
      users: { daemon: ["CAP_CHOWN", "CAP_NET_RAW"] },
      groups: { daemon: ["CAP_NET_RAW"] },
    });
    expect((await skiff(own, "capability", "drop", "-u", "daemon", "chown")).code).toBe(0);
    expect((await skiff(own, "capability", "list", "daemon")).stdout).toContain(
      "daemon [user]: CAP_NET_RAW\n",
    );
    expect((await skiff(own, "capability", "drop", "-u", "daemon", "all")).code).toBe(0);
    const again = await skiff(own, "capability", "drop", "-u", "daemon", "all");
    expect([again.code, again.stderr]).toEqual([
      255,
      expect.stringContaining("user 'daemon' doesn't have any capability assigned"),
    ]);
  });

  testUnless(lack)("refuses unknown owners, warns of unknown names", async () => {
    const own = site("");
    const nobody = await skiff(own, "capability", "add", "-u", "no-such-user", "chown");
    expect([nobody.code, nobody.stderr]).toEqual([255, expect.stringContaining("does not exist")]);
    expect((await skiff(own, "capability", "add", "chown")).stderr).toContain(
      "no user or group specified",
    );
    const odd = await skiff(own, "capability", "add", "-u", "daemon", "CAP_FLY,chown");
    expect([odd.code, odd.stderr]).toEqual([0, expect.stringContaining("[CAP_FLY]")]);
  });

  testUnless(lack)("a table that is none is not written over", async () => {
    const own = site("");
    writeFileSync(`${own}/capability.json`, "not JSON");
    expect((await skiff(own, "capability", "add", "-u", "daemon", "chown")).code).toBe(255);
    expect(readFileSync(`${own}/capability.json`, "utf8")).toBe("not JSON");
    rmSync(`${own}/capability.json`);
  });
});

describe("root default capabilities", () => {
  const effective = async (own: string, ...flags: string[]): Promise<number> => {
    const command = ["grep", "CapEff", "/proc/self/status"];
    const { stdout } = await skiff(own, "exec", ...flags, "img", ...command);
    return Number.parseInt(stdout.split("\t")[1] ?? "", 16);
  };

  testUnless(lack)("= file gives what the table grants root", async () => {
    const own = site("root default capabilities = file\n", { users: { root: ["CAP_CHOWN"] } });
    expect(await effective(own)).toBe(1);
    expect(await effective(own, "--add-caps", "CAP_KILL")).toBe(1 + 2 ** 5);
    expect(await effective(own, "--drop-caps", "chown")).toBe(0);
    expect(await effective(own, "--keep-privs")).toBeGreaterThan(2 ** 20);
    expect(await effective(site("root default capabilities = file\n"))).toBe(0);
  });

  testUnless(lack)("= no gives none, = full all", async () => {
    expect(await effective(site("root default capabilities = no\n"))).toBe(0);
    expect(await effective(site("root default capabilities = full\n"))).toBeGreaterThan(2 ** 20);
  });
});
