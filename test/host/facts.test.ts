import { expect, test } from "bun:test";
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { hostFacts } from "../../src/host/facts.ts";
import { noUserNamespaces } from "../support/host-lacks.ts";
import { testUnless } from "../support/skip.ts";

const SCRIPT = `${import.meta.dir}/print-facts.ts`;

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Words in front of the command: unshare, sh -c … */
  readonly before?: readonly string[];
}

/** The facts as a child process sees them. */
function factsOf(names: readonly string[], around: Surroundings = {}): Record<string, unknown> {
  const { env = {}, cwd = "/", before = [] } = around;
  const argv = [...before, process.execPath, SCRIPT, ...names];
  const child = Bun.spawnSync(argv, { env, cwd, stdin: "ignore" });
  if (child.exitCode !== 0) throw new Error(child.stderr.toString());
  return JSON.parse(child.stdout.toString());
}

function run(...argv: readonly string[]): string {
  const child = Bun.spawnSync([...argv], { env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" } });
  return child.stdout.toString().trim();
}

test("hostFacts() agrees with id, uname and the account database, with an empty environment", () => {
  const facts = factsOf(["uid", "gid", "groups", "account", "hostname", "kernel", "env", "arch"]);
  expect(facts["uid"]).toBe(Number(run("id", "-u")));
  expect(facts["gid"]).toBe(Number(run("id", "-g")));
  const groups = [...new Set([facts["gid"], ...(facts["groups"] as number[])])].sort();
  expect(groups.join(" ")).toBe(run("id", "-G").split(" ").map(Number).sort().join(" "));
  expect(facts["hostname"]).toBe(run("uname", "-n"));
  expect(facts["kernel"]).toBe(run("uname", "-r"));
  expect(facts["env"]).toEqual({});
  const account = facts["account"] as { name: string; home: string };
  expect(account.name).toBe(run("id", "-un"));
  expect(account.home).toBe(run("getent", "passwd", account.name).split(":")[5] ?? "");
});

test("hostFacts() gives the caller's environment as the kernel has it", () => {
  const env = { A: "1", B: "two words", C: "" };
  expect(factsOf(["env"], { env })["env"]).toEqual(env);
});

test("hostFacts() sees the umask without changing it", () => {
  const facts = factsOf(["umask"], { before: ["sh", "-c", 'umask 027; "$@"', "sh"] });
  expect(facts["umask"]).toBe(0o27);
});

test("hostFacts() keeps PWD only when it names the working directory", () => {
  const directory = realpathSync(mkdtempSync(`${tmpdir()}/skiff-facts-`));
  const link = `${directory}-link`;
  symlinkSync(directory, link);
  try {
    const table: readonly [string | undefined, string][] = [
      [link, link],
      [directory, directory],
      ["/", directory],
      ["/nosuch", directory],
      [`${link}/../${link.slice(link.lastIndexOf("/") + 1)}`, directory],
      [".", directory],
      [undefined, directory],
    ];
    for (const [PWD, logicalCwd] of table) {
      const env = PWD === undefined ? {} : { PWD };
      expect(factsOf(["cwd", "logicalCwd"], { cwd: directory, env })).toEqual({
        cwd: directory,
        logicalCwd,
      });
    }
  } finally {
    rmSync(link);
    rmSync(directory, { recursive: true });
  }
});

test("hostFacts() has no working directory when it was removed", () => {
  const script = 'd=$(mktemp -d); cd "$d"; rmdir "$d"; exec "$@"';
  const facts = factsOf(["cwd", "logicalCwd"], { before: ["sh", "-c", script, "sh"] });
  expect(facts).toEqual({ cwd: null, logicalCwd: null });
});

test("hostFacts() finds the root mount, /bin/sh and programs in /usr/sbin without a PATH", () => {
  const facts = hostFacts({ binaryPath: "$PATH:/usr/sbin:/usr/bin:/bin", env: {} });
  expect(facts.mounts.filter((mount) => mount.target === "/").length).toBeGreaterThan(0);
  expect(facts.mounts.some((mount) => mount.fstype === "proc")).toBe(true);
  expect(facts.tool("sh")).toMatch(/^(\/usr)?\/bin\/sh$/);
  expect(facts.tool("nosuch-tool")).toBeUndefined();
  expect(facts.realPath("/proc/self/exe")).toBe(realpathSync(process.execPath));
  expect(facts.realPath("/nosuch")).toBeUndefined();
});

test("hostFacts() looks accounts up by name and by uid, and knows when there is none", () => {
  const facts = hostFacts({ binaryPath: "/bin", env: {} });
  expect(facts.accountByUid(0)).toMatchObject({ name: "root", uid: 0, gid: 0 });
  expect(facts.accountByName("root")).toEqual(facts.accountByUid(0));
  expect(facts.accountByUid(3_999_999_999)).toBeUndefined();
  expect(facts.accountByName("no-such-account")).toBeUndefined();
  expect(facts.groupName(0)).toBe("root");
  expect(facts.groupName(3_999_999_999)).toBeUndefined();
});

testUnless(noUserNamespaces())("hostFacts() tells a user namespace from the initial one", () => {
  const names = ["uid", "inUserNamespace", "isRealRoot", "capabilities"];
  const inside = factsOf(names, { before: ["/usr/bin/unshare", "-Ur"] });
  expect(inside).toMatchObject({ uid: 0, inUserNamespace: true, isRealRoot: false });
  expect(inside["capabilities"]).toBeGreaterThan(0);
});
