import { afterAll, describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { enterPeerPlace, noPeer } from "../support/peer.ts";
import type { Finished } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { fixtures } from "./fixtures.ts";

const place = noPeer() === undefined ? enterPeerPlace() : undefined;
afterAll(() => place?.leave());
const reason = noPeer();

/** What both programs say, without what differs by nature. */
const plain = ({ code, stdout }: Finished) => ({ code, stdout });

describe("signatures and keys of both programs", () => {
  const outside = place?.outside ?? "";
  const inside = place?.inside ?? "";
  const call = (program: "skiff" | "peer", args: readonly string[], more: object = {}) => {
    if (place === undefined) throw new Error("no peer");
    const argv0 = program === "peer" ? place.peer : `${inside}/apptainer`;
    return place.run([argv0, ...args], {
      extraEnv: { APPTAINER_CONFIGDIR: `${inside}/config`, ...more },
      as: "user",
    });
  };
  let ready: Promise<void> | undefined;
  /** Rings with an open key made by each of both, and copies of the fixtures. */
  function prepare(): Promise<void> {
    ready ??= (async () => {
      symlinkSync("skiff", `${outside}/apptainer`);
      mkdirSync(`${outside}/fixtures`);
      for (const name of [
        "one-group",
        "one-group-signed-pgp",
        "one-group-signed-dsse",
        "two-groups",
      ]) {
        copyFileSync(`${fixtures}/${name}.sif`, `${outside}/fixtures/${name}.sif`);
      }
      copyFileSync(`${fixtures}/keys/unit-test-pgp-public.asc`, `${outside}/unit.asc`);
      copyFileSync(`${fixtures}/keys/rsa-public.pem`, `${outside}/rsa.pem`);
      await place?.run(["chmod", "-R", "a+rwX", inside], { as: "self" });
      for (const program of ["skiff", "peer"] as const) {
        const owner = ["--name", program, "--email", `${program}@example.org`, "--comment", "c"];
        const made = await call(program, [
          "key",
          "newpair",
          ...owner,
          "--password",
          "",
          "-b",
          "2048",
          "--push=false",
        ]);
        expect(made.code).toBe(0);
      }
    })();
    return ready;
  }

  testUnless(reason)("each lists the keys that the other made, alike", async () => {
    await prepare();
    for (const flags of [[], ["--secret"]]) {
      const [ours, theirs] = [
        await call("skiff", ["key", "list", ...flags]),
        await call("peer", ["key", "list", ...flags]),
      ];
      expect(plain(ours)).toEqual(plain(theirs));
      expect(ours.stdout).toContain("peer (c) <peer@example.org>");
    }
  });

  testUnless(reason)("each verifies what the other signed, with either's key", async () => {
    await prepare();
    for (const program of ["skiff", "peer"] as const) {
      for (const key of ["0", "1"]) {
        const name = `${program}${key}.sif`;
        copyFileSync(`${fixtures}/two-groups.sif`, `${outside}/${name}`);
        await place?.run(["chmod", "666", `${inside}/${name}`], { as: "self" });
        expect((await call(program, ["sign", "-k", key, `${inside}/${name}`])).code).toBe(0);
        const args = ["verify", "--local", `${inside}/${name}`];
        const [ours, theirs] = [await call("skiff", args), await call("peer", args)];
        expect(ours.code).toBe(0);
        expect(plain(ours)).toEqual(plain(theirs));
        const json = ["verify", "--local", "--json", `${inside}/${name}`];
        expect((await call("skiff", json)).stdout).toBe((await call("peer", json)).stdout);
      }
    }
  });

  testUnless(reason)("both say the same about images that are wrong", async () => {
    await prepare();
    await call("skiff", ["key", "import", `${inside}/unit.asc`]);
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ["one-group", []],
      ["one-group-signed-pgp", ["-g", "2"]],
      ["one-group-signed-pgp", ["-i", "9"]],
      ["one-group-signed-dsse", []],
      ["one-group-signed-pgp", ["--key", `${inside}/rsa.pem`]],
      ["one-group-signed-dsse", ["--key", `${inside}/rsa.pem`]],
    ];
    for (const [name, flags] of cases) {
      const args = ["verify", "--local", ...flags, `${inside}/fixtures/${name}.sif`];
      const [ours, theirs] = [await call("skiff", args), await call("peer", args)];
      expect(plain(ours)).toEqual(plain(theirs));
      const fatal = /FATAL: .*/.exec(theirs.stderr)?.[0] ?? "";
      expect(/FATAL: .*/.exec(ours.stderr)?.[0] ?? "").toBe(fatal);
    }
  });

  testUnless(reason)(
    "each starts what the other encrypted",
    async () => {
      await prepare();
      const key = { APPTAINER_ENCRYPTION_PASSPHRASE: "geheim" };
      const busybox = Bun.which("busybox");
      if (busybox === null) throw new Error("busybox is not installed");
      for (const name of ["bin", "etc", "proc", "sys", "dev", "tmp"]) {
        mkdirSync(`${outside}/box/${name}`, { recursive: true });
      }
      copyFileSync(busybox, `${outside}/box/bin/busybox`);
      for (const name of ["sh", "cat", "mount"])
        symlinkSync("busybox", `${outside}/box/bin/${name}`);
      writeFileSync(`${outside}/box/etc/word`, "a word\n");
      await place?.run(["chmod", "-R", "a+rwX", inside], { as: "self" });
      for (const program of ["skiff", "peer"] as const) {
        const image = `${inside}/enc-${program}.sif`;
        const built = await call(program, ["build", "--encrypt", image, `${inside}/box`], key);
        expect(built).toMatchObject({ code: 0 });
        for (const starter of ["skiff", "peer"] as const) {
          const started = await call(starter, ["exec", image, "/bin/cat", "/etc/word"], key);
          expect(plain(started)).toEqual({ code: 0, stdout: "a word\n" });
        }
      }
    },
    60_000,
  );
});
