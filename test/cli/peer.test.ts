import { afterAll, beforeAll, describe, expect } from "bun:test";
import { symlinkSync } from "node:fs";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { testUnless } from "../support/skip.ts";

/** Command lines that must fail in the same way as the peer's: status, and first line on standard error. */
const WRONG: readonly (readonly string[])[] = [
  [],
  ["bogus"],
  ["exe"],
  ["--bogus"],
  ["-Z"],
  ["-c"],
  ["exec"],
  ["exec", "x"],
  ["exec", "--bogus", "x", "y"],
  ["exec", "-Z", "x", "y"],
  ["exec", "-eZ", "x", "y"],
  ["exec", "-eZp", "x", "y"],
  ["exec", "--bind"],
  ["exec", "-B"],
  ["exec", "-eB"],
  ["exec", "--contain=foo", "x", "y"],
  ["exec", "--contain=", "x", "y"],
  ["exec", "-c=", "x", "y"],
  ["exec", "-h=foo", "x", "y"],
  ["exec", "--no-https=x", "a"],
  ["exec", "--pids-limit", "foo", "x", "y"],
  ["exec", "--pids-limit", "99999999999999999999", "x", "y"],
  ["exec", "--env", "foo", "x", "y"],
  ["exec", "--env", "A=1,B=2,C", "x", "y"],
  ["exec", "--overlay", 'a"b', "x", "y"],
  ["exec", "--no-mount", '"a', "x", "y"],
  ["exec", "--=x", "a"],
  ["exec", "---x", "a"],
  ["exec", "-=x", "a"],
  ["exec", "--version"],
  ["exec", "--debug", "x", "y"],
  ["shell"],
  ["run"],
  ["build", "x"],
  ["pull"],
  ["pull", "a", "b", "c"],
  ["push", "a"],
  ["inspect"],
  ["sign"],
  ["sif", "header"],
  ["sif", "info", "x"],
  ["sif", "list", "--bogus", "a"],
  ["sif", "list", "a", "--bogus"],
  ["sif", "--x"],
  ["key"],
  ["key", "bogus"],
  ["key", "list", "extra"],
  ["remote", "-c"],
  ["remote", "list", "-c", "f"],
  ["cache"],
  ["capability"],
  ["instance"],
  ["instance", "start"],
  ["instance", "start", "x"],
  ["overlay"],
  ["plugin"],
  ["config", "fakeroot"],
  ["buildcfg", "XX"],
];

/** Command lines that print help or a version with status 0. */
const HELPFUL: readonly (readonly string[])[] = [
  ["--help"],
  ["help"],
  ["help", "exec"],
  ["help", "bogus"],
  ["exec", "--help"],
  ["key", "list", "-h"],
  ["sif"],
  ["sif", "bogus"],
  ["config"],
  ["remote"],
  ["registry", "bogus"],
  ["keyserver"],
  ["checkpoint"],
  ["oci"],
  ["completion"],
  ["completion", "bogus"],
  ["--version"],
  ["-v", "--version"],
  ["version"],
  ["version", "x"],
];

describe("beside the peer", () => {
  const reason = noPeer();
  let place: PeerPlace;
  let mine = "";

  beforeAll(() => {
    if (reason !== undefined) return;
    place = enterPeerPlace();
    symlinkSync("skiff", `${place.outside}/apptainer`);
    mine = `${place.inside}/apptainer`;
  });
  afterAll(() => {
    if (reason === undefined) place.leave();
  });

  /** The first line, without the part that each tool says in its own words. */
  const firstLine = (text: string): string =>
    (text.split("\n")[0] ?? "").replace(/(" flag: ).*/, "$1");

  for (const words of WRONG) {
    testUnless(reason)(`fails alike: ${JSON.stringify(words)}`, async () => {
      const [theirs, ours] = await Promise.all([
        place.run([place.peer, ...words]),
        place.run([mine, ...words]),
      ]);
      expect(firstLine(ours.stderr)).toBe(firstLine(theirs.stderr));
      expect(ours.code).toBe(theirs.code);
      expect(ours.stdout === "").toBe(theirs.stdout === "");
    });
  }

  for (const words of HELPFUL) {
    testUnless(reason)(`helps alike: ${JSON.stringify(words)}`, async () => {
      const [theirs, ours] = await Promise.all([
        place.run([place.peer, ...words]),
        place.run([mine, ...words]),
      ]);
      expect({ code: ours.code, stderr: ours.stderr }).toEqual({
        code: theirs.code,
        stderr: theirs.stderr,
      });
      expect(ours.stdout).not.toBe("");
    });
  }
});
