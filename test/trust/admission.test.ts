import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../../src/base/fault.ts";
import { groupOf, parseEcl, refusalOf } from "../../src/trust/admission/ecl.ts";
import { parsePolicy, ruleFor, signatureRefusal } from "../../src/trust/admission/policy.ts";
import type { Survey } from "../../src/trust/admission/survey.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { type Finished, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

const [A, B, C] = ["a".repeat(40), "b".repeat(40), "c".repeat(40)];

describe("rules", () => {
  const good = (...keys: string[]): Survey => ({
    wanted: ["object group 1"],
    signatures: keys.map((fingerprint) => ({ on: "object group 1", fingerprint })),
  });
  const unsigned: Survey = {
    wanted: ["object group 1"],
    signatures: [],
    failure: { kind: "unsigned", why: "signature not found for object group 1" },
  };
  const unknown: Survey = {
    wanted: ["object group 1"],
    signatures: [
      { on: "object group 1", fingerprint: A, failure: { kind: "unknown-key", why: "unknown" } },
    ],
  };
  const altered: Survey = {
    wanted: ["object group 1"],
    signatures: [
      { on: "object group 1", fingerprint: A, failure: { kind: "altered", why: "broken" } },
    ],
  };

  test.each([
    ["whitelist", [A, B], good(A), "in"],
    ["whitelist", [A, B], good(C), "out"],
    ["whitelist", [A], unknown, "out"],
    ["whitelist", [A], unsigned, "out"],
    ["whitelist", [], good(A), "out"],
    ["whitestrict", [A, B], good(A), "out"],
    ["whitestrict", [A, B], good(A, B, C), "in"],
    ["blacklist", [A], good(A, B), "out"],
    ["blacklist", [A], good(B), "in"],
    ["blacklist", [A], unknown, "out"],
    ["blacklist", [B], unknown, "in"],
    ["blacklist", [B], unsigned, "out"],
    ["blacklist", [B], altered, "out"],
  ] as const)("%s of %j decides", (mode, keys, survey, expected) => {
    const group = { name: "", mode, directory: "", keys };
    expect(refusalOf(group, survey) === undefined ? "in" : "out").toBe(expected);
  });

  test("parseEcl() takes the peer's file; a directory's group goes before the one without", () => {
    const text = `activated = true\n[[execgroup]]\ntagname="any"\nmode="blacklist"\nkeyfp=[]
[[execgroup]]\ntagname="cache"\nmode="whitestrict"\ndirpath="/var/cache"\nkeyfp=["${A.toUpperCase()}"]\n`;
    const list = parseEcl(text, "/e");
    expect(list.isActivated).toBe(true);
    expect(groupOf(list, "/var/cache/x.sif")?.name).toBe("cache");
    expect(groupOf(list, "/var/cache/below/x.sif")?.name).toBe("any");
    expect(list.groups[1]?.keys).toEqual([A]);
  });

  test.each([
    ["activated = tru", ""],
    ['[[execgroup]]\nmode="grey"', "mode is none of"],
    ['[[execgroup]]\nmode="blacklist"\nkeyfp=["abc"]', "no fingerprint"],
    ['[[execgroup]]\nmode="blacklist"\ndirpath="relative"', "no clean absolute path"],
    ['[[execgroup]]\nmode="blacklist"\n[[execgroup]]\nmode="whitelist"', "two groups"],
  ])("parseEcl() refuses %j", (text, why) => {
    expect(() => parseEcl(text, "/e")).toThrow(Fault);
    expect(() => parseEcl(text, "/e")).toThrow(why);
  });

  test("ruleFor() takes the first rule whose path and source fit", () => {
    const policy = parsePolicy(
      `[[rule]]\nname="one"\npath="/opt/*.sif"\naction="accept"
[[rule]]\nname="deep"\npath="/opt/**"\naction="reject"
[[rule]]\nname="far"\nsource="docker://example.org/**"\naction="accept"\n`,
      "/p",
    );
    const name = (path: string, source = ""): string | undefined =>
      ruleFor(policy, { path, source })?.name;
    expect(name("/opt/a.sif")).toBe("one");
    expect(name("/opt/b/a.sif")).toBe("deep");
    expect(name("/opt/aXsif")).toBe("deep");
    expect(name("/x", "docker://example.org/a/b:1")).toBe("far");
    expect(name("/x", "docker://example.com/a")).toBeUndefined();
    expect(policy.defaultAction).toBe("reject");
  });

  test.each([
    ['default = "perhaps"', "default is none of"],
    ["[[rule]]\nkeys=[1]", "keys is no list of texts"],
    ["[[rule]]\n", "names neither keys nor pem"],
    ['[[rule]]\nkey=["x"]', '"key" is not known'],
    [`[[rule]]\nkeys=["${A}"]\npem=["/k"]`, "exclude each other"],
  ])("parsePolicy() refuses %j", (text, why) => {
    expect(() => parsePolicy(text, "/p")).toThrow(why);
  });

  test("signatureRefusal() wants any or all of the keys", () => {
    const rule = (require: "any" | "all") => ({
      ...{ name: "", path: "", source: "", action: "signed", require, keys: [A, B], pem: [] },
    });
    expect(signatureRefusal(rule("any") as never, good(B))).toBeUndefined();
    expect(signatureRefusal(rule("any") as never, good(C))).toContain("signed by none of");
    expect(signatureRefusal(rule("all") as never, good(B))).toContain(A.toUpperCase());
    expect(signatureRefusal(rule("all") as never, good(A, B))).toBeUndefined();
    expect(signatureRefusal(rule("any") as never, unsigned)).toContain("signature not found");
  });
});

describe("a launch under rules", () => {
  const dir = scratch();
  const prefix = `${dir}/prefix`;
  const reason = firstReason(
    Bun.which("busybox") === null ? "busybox is not installed" : undefined,
    Bun.which("mksquashfs") === null ? "mksquashfs is not installed" : undefined,
  );
  const rules = `${prefix}/etc/skiff`;
  const call = (...args: string[]): Promise<Finished> =>
    run([`${prefix}/bin/skiff`, "-q", ...args], {
      cwd: dir,
      extraEnv: { SKIFF_CACHEDIR: `${dir}/cache`, SKIFF_KEYSDIR: `${dir}/keys` },
    });

  let made: Promise<string> | undefined;
  /** An installation of its own with an image signed by a key of its ring; gives the fingerprint. */
  function prepare(): Promise<string> {
    made ??= (async () => {
      for (const path of [`${prefix}/bin`, rules, `${dir}/box/bin`])
        mkdirSync(path, { recursive: true });
      copyFileSync(skiffPath, `${prefix}/bin/skiff`);
      const helpers = `${dirname(skiffPath)}/libexec`;
      if (existsSync(helpers)) cpSync(helpers, `${prefix}/libexec`, { recursive: true });
      copyFileSync(Bun.which("busybox") ?? "", `${dir}/box/bin/busybox`);
      for (const name of ["true", "sh"]) symlinkSync("busybox", `${dir}/box/bin/${name}`);
      const owner = ["-N", "A", "-E", "a@example.org", "-C", "", "-P", "", "-b", "2048"];
      if (isRoot) await run(["chmod", "-R", "a+rwX", dir], { as: "self" });
      await call("key", "newpair", ...owner, "--push=false");
      for (const name of ["signed", "plain"]) await call("build", `${name}.sif`, "box");
      expect(await call("sign", "signed.sif")).toMatchObject({ code: 0 });
      await run(["cp", `${dir}/keys/pgp-public`, `${rules}/global-pgp-public`], { as: "self" });
      await run(["chmod", "644", `${rules}/global-pgp-public`], { as: "self" });
      const { stdout } = await call("key", "list");
      return /Fingerprint: +([0-9A-F]{40})/.exec(stdout)?.[1] ?? "";
    })();
    return made;
  }
  const withRules = async (name: string, text: string, act: () => Promise<void>): Promise<void> => {
    writeFileSync(`${rules}/${name}`, text);
    try {
      await act();
    } finally {
      rmSync(`${rules}/${name}`);
    }
  };

  testUnless(reason)("starts what the execution control list admits and nothing else", async () => {
    const key = await prepare();
    const list = (mode: string, fingerprint: string, on = true): string =>
      `activated = ${on}\n[[execgroup]]\nmode = "${mode}"\ndirpath = ""\nkeyfp = ["${fingerprint}"]\n`;
    const start = (image: string) => call("exec", image, "true");
    expect((await start("plain.sif")).code).toBe(0);
    await withRules("ecl.toml", list("whitelist", key), async () => {
      expect(await start("signed.sif")).toMatchObject({ code: 0 });
      const refused = await start("plain.sif");
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain(
        "while checking container image with ECL: image signature not valid",
      );
      // Twice and thrice, as a launch that is remembered would go.
      for (let i = 0; i < 2; i++) expect((await start("signed.sif")).code).toBe(0);
      expect((await start("box")).code).toBe(0);
    });
    await withRules("ecl.toml", list("blacklist", key), async () => {
      const refused = await start("signed.sif");
      expect(refused.stderr).toContain("image signed by a forbidden entity");
      expect(refused.code).toBe(255);
    });
    await withRules("ecl.toml", list("whitelist", A, false), async () => {
      expect((await start("plain.sif")).code).toBe(0);
    });
    await withRules("ecl.toml", "activated = true\nnonsense", async () => {
      const refused = await start("signed.sif");
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain("Cannot use the execution control list");
    });
  });

  testUnless(reason)("follows a trust policy, also for an image that changes", async () => {
    const key = await prepare();
    const policy = `[[rule]]\nname = "ours"\npath = "${dir}/*.sif"\nkeys = ["${key}"]\n`;
    copyFileSync(`${dir}/signed.sif`, `${dir}/changing.sif`);
    await run(["chmod", "666", `${dir}/changing.sif`], { as: "self" });
    const past = new Date(Date.now() - 60_000);
    utimesSync(`${dir}/changing.sif`, past, past);
    await withRules("trust-policy.toml", policy, async () => {
      for (let i = 0; i < 3; i++) {
        expect(await call("exec", "changing.sif", "true")).toMatchObject({ code: 0 });
      }
      const plain = await call("exec", "plain.sif", "true");
      expect(plain.stderr).toContain('does not admit it ("ours")');
      expect((await call("exec", "box", "true")).stderr).toContain("no rule is about it");
      copyFileSync(`${dir}/plain.sif`, `${dir}/changing.sif`);
      expect((await call("exec", "changing.sif", "true")).code).toBe(255);
    });
    writeFileSync(`${dir}/policy.toml`, policy);
    expect(await call("verify", "--policy", "policy.toml", "signed.sif")).toMatchObject({
      code: 0,
      stdout: 'signed.sif: admitted by "ours"\n',
    });
    const refused = await call("verify", "--policy", "policy.toml", "plain.sif");
    expect(refused.code).toBe(8);
    expect(refused.stdout).toStartWith('plain.sif: refused by "ours": ');
  });
});
