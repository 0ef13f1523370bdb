import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Check } from "../../src/host/probe/check.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";

const SCRIPT = `${import.meta.dir}/run-doctor.ts`;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const top = mkdtempSync(`${tmpdir()}/skiff-doctor-`);
afterAll(() => rmSync(top, { recursive: true }));

interface Outcome {
  readonly status: number;
  readonly text: string;
}

function doctor(words: readonly string[], before: readonly string[] = [], env = {}): Outcome {
  const argv = [...before, process.execPath, SCRIPT, ...words];
  const child = Bun.spawnSync(argv, { env: { PATH, ...env }, cwd: "/", stdin: "ignore" });
  const text = child.stdout.toString();
  if (text === "") throw new Error(child.stderr.toString());
  return { status: child.exitCode, text };
}

function checksOf({ text }: Outcome): readonly Check[] {
  return (JSON.parse(text) as { readonly checks: readonly Check[] }).checks;
}

const find = (checks: readonly Check[], id: string) => checks.find((check) => check.id === id);

test("doctor looks at every topic, and says what it means where something is wrong", () => {
  const checks = checksOf(doctor(["doctor", "--json"]));
  const ids = checks.map((check) => check.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of [
    "configuration",
    "kernel",
    "namespaces.user",
    "subids.ranges",
    "fuse.device",
    "overlay.kernel",
    "storage.cache",
    "storage.tmp",
    "tools.mksquashfs",
    "cgroups",
    "networks",
  ]) {
    expect(ids).toContain(id);
  }
  expect(ids.some((id) => id.startsWith("gpu"))).toBe(true);
  for (const check of checks) {
    expect(check.found).not.toBe("");
    if (check.state !== "ok")
      expect([check.id, check.means, check.remedy]).not.toContain(undefined);
  }
});

test("doctor prints one line a check and the verdict last", () => {
  const outcome = doctor(["doctor"]);
  const checks = checksOf(doctor(["doctor", "--json"]));
  const lines = outcome.text.trimEnd().split("\n");
  expect(lines.filter((line) => /^(ok|limited|missing) /.test(line)).length).toBe(checks.length);
  expect(lines.at(-1)).toMatch(
    outcome.status === 0 ? /^Containers can run here/ : /^Containers cannot run here/,
  );
});

testUnless(firstReason(noUserNamespaces(), noTool("unshare")))(
  "doctor ends with 1 where no further user namespace can be made, and names the switch",
  () => {
    const close = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    const outcome = doctor(["doctor", "--json"], ["unshare", "-Ur", "sh", "-c", close, "sh"]);
    const check = find(checksOf(outcome), "namespaces.user");
    expect(check).toMatchObject({ state: "missing", found: "user.max_user_namespaces is 0" });
    expect(check?.remedy).toContain("sysctl -w user.max_user_namespaces=");
    expect(outcome.status).toBe(1);
  },
);

test("doctor without any tool ends with 1 and names a package for each", () => {
  const file = `${top}/none.conf`;
  writeFileSync(file, "binary path = /nosuch\n");
  const outcome = doctor(["--config", file, "doctor", "--json"]);
  const checks = checksOf(outcome);
  for (const id of ["fuse.squashfuse", "fuse.fuse2fs", "tools.mksquashfs", "tools.unsquashfs"]) {
    expect(find(checks, id)).toMatchObject({ state: "limited", found: "not installed" });
    expect(find(checks, id)?.remedy).toMatch(/install|add|-S/);
  }
  // Root may still mount images with the kernel.
  if (process.getuid?.() !== 0) expect(outcome.status).toBe(1);
});

test("doctor reports the configuration's own refusal and lines without effect", () => {
  const file = `${top}/odd.conf`;
  writeFileSync(file, "allow user ns = no\nMount Home = no\nsif fuse = yes\n");
  const checks = checksOf(doctor(["--config", file, "doctor", "--json"]));
  expect(find(checks, "namespaces.user")?.found).toBe(`forbidden by ${file}:1`);
  expect(find(checks, "configuration")?.means).toBe(
    'there is no such directive: line 2 "Mount Home"',
  );
});

test("doctor works with an empty environment and with directories that do not exist", () => {
  const env = { SKIFF_CACHEDIR: "/nosuch/cache", SKIFF_TMPDIR: top };
  const checks = checksOf(
    doctor(
      ["doctor", "--json"],
      ["env", "-i", "SKIFF_CACHEDIR=/proc/nosuch", `SKIFF_TMPDIR=${top}`],
      env,
    ),
  );
  const cache = find(checks, "storage.cache");
  expect(cache?.state).toBe("limited");
  expect(cache?.found.startsWith("/proc/nosuch: ")).toBe(true);
  expect(find(checks, "storage.tmp")?.found.startsWith(`${top}: `)).toBe(true);
});
