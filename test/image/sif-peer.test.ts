import { afterAll, describe, expect } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import type { AddOptions } from "../../src/commands/sif/new-object.ts";
import {
  sifAdd,
  sifDel,
  sifHeader,
  sifInfo,
  sifList,
  sifNew,
  sifSetprim,
} from "../../src/commands/sif.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";

const lacks = noPeer();
let opened: PeerPlace | undefined;
const place = (): PeerPlace => (opened ??= enterPeerPlace());
afterAll(() => opened?.leave());

const NONE: AddOptions = {
  ...{ datatype: 0, parttype: 0, partfs: 0, partarch: 0, signhash: 0, signentity: "" },
  ...{ sbomformat: "", groupid: 0, link: 0, alignment: undefined, filename: "" },
};
const FINGERPRINT = "12045C8C0B1004D058DE4BEDA20C27EE7FF7BA84";

/** One row of additions, for both programs. */
const ADDITIONS: readonly Partial<AddOptions>[] = [
  { datatype: 6 },
  { datatype: 1, filename: "my.def", groupid: 1 },
  { datatype: 4, parttype: 1, partfs: 1, partarch: 2, groupid: 1 },
  { datatype: 4, parttype: 2, partfs: 1, partarch: 4, groupid: 1 },
  { datatype: 4, parttype: 3, partfs: 4, partarch: 2, groupid: 2 },
  { datatype: 5, signhash: 2, signentity: FINGERPRINT, link: 3 },
  { datatype: 9, sbomformat: "spdx-yaml" },
  { datatype: 10 },
  { datatype: 11 },
  { datatype: 7, link: 4026531841, alignment: 512 },
];

/** Runs the peer's `sif` and gives its standard output; throws when it fails. */
async function peerSif(...words: string[]): Promise<string> {
  const done = await place().run([place().peer, "sif", ...words]);
  if (done.code !== 0) throw new Error(done.stderr);
  return done.stdout;
}

/** An image's bytes without UUID and times, which differ from run to run. */
function stableBytes(path: string): string {
  const bytes = readFileSync(path);
  bytes.fill(0, 48, 80);
  for (let slot = 0; slot < 48; slot++) {
    const at = 4096 + slot * 585;
    bytes.fill(0, at + 41, at + 57);
  }
  return bytes.toString("base64");
}

function expectSameText(ours: string, theirs: string): void {
  expect(ours.split("\n")).toEqual(theirs.split("\n"));
}

describe("sif beside the peer", () => {
  testUnless(lacks)("both show the same of every real image", async () => {
    for (const name of [
      "empty-launch-script",
      "one-group-signed-pgp",
      "two-groups",
      "one-object-time",
    ]) {
      const file = `${name}.sif`;
      const here = `${place().outside}/${file}`;
      copyFileSync(`${treeRoot}/test/fixtures/sif/${file}`, here);
      const there = `${place().inside}/${file}`;
      expectSameText(sifHeader(here), await peerSif("header", there));
      expectSameText(sifList(here), await peerSif("list", there));
      if (name !== "empty-launch-script") {
        expectSameText(sifInfo("1", here), await peerSif("info", "1", there));
      }
    }
  });

  testUnless(lacks)("both look into a file that is cut off behind its table", async () => {
    const cut = readFileSync(`${treeRoot}/test/fixtures/sif/one-group.sif`).subarray(0, 33_000);
    const [here, there] = [`${place().outside}/cut.sif`, `${place().inside}/cut.sif`];
    writeFileSync(here, cut);
    expectSameText(sifHeader(here), await peerSif("header", there));
    expectSameText(sifList(here), await peerSif("list", there));
    for (const id of ["1", "2"]) {
      expectSameText(sifInfo(id, here), await peerSif("info", id, there));
      const dumped = await place().run([place().peer, "sif", "dump", id, there]);
      const ours = await place().run([place().skiff, "sif", "dump", id, there]);
      const withoutUsage = (text: string): string => text.replace(/Usage:.*/s, "");
      expect(withoutUsage(ours.stdout)).toBe(withoutUsage(dumped.stdout));
      expect(ours.code).toBe(dumped.code);
    }
    expect(() => sifDel("1", here)).toThrow("goes beyond the end of the file");
    expect(readFileSync(here).equals(cut)).toBe(true);
  });

  testUnless(lacks)(
    "both write the same bytes for the same additions, and read each other's",
    async () => {
      const { outside, inside } = place();
      writeFileSync(`${outside}/object`, "what is added\n");
      const [ours, theirs] = ["ours.sif", "theirs.sif"];
      sifNew(`${outside}/${ours}`);
      await peerSif("new", `${inside}/${theirs}`);
      for (const options of ADDITIONS) {
        sifAdd(`${outside}/${ours}`, `${outside}/object`, { ...NONE, ...options });
        const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
        await peerSif("add", ...flags, `${inside}/${theirs}`, `${inside}/object`);
      }
      expect(stableBytes(`${outside}/${ours}`)).toBe(stableBytes(`${outside}/${theirs}`));
      for (const file of [ours, theirs]) {
        expectSameText(
          sifHeader(`${outside}/${file}`),
          await peerSif("header", `${inside}/${file}`),
        );
        expectSameText(sifList(`${outside}/${file}`), await peerSif("list", `${inside}/${file}`));
        for (const id of ["2", "3", "6", "7", "8", "10"]) {
          const shown = await peerSif("info", id, `${inside}/${file}`);
          expectSameText(sifInfo(id, `${outside}/${file}`), shown);
        }
      }

      sifSetprim("3", `${outside}/${ours}`);
      await peerSif("setprim", "3", `${inside}/${theirs}`);
      for (const id of ["4", "1", "10"]) {
        sifDel(id, `${outside}/${ours}`);
        await peerSif("del", id, `${inside}/${theirs}`);
      }
      expect(stableBytes(`${outside}/${ours}`)).toBe(stableBytes(`${outside}/${theirs}`));
      expectSameText(sifList(`${outside}/${ours}`), await peerSif("list", `${inside}/${ours}`));
    },
    60_000,
  );
});
