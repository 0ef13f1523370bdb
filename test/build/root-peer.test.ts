import { afterAll, beforeAll, expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { run } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Builds by the real root, beside the peer's.
 */

const lack = firstReason(noPeer(), noTool("unsquashfs"));
let place: PeerPlace;

beforeAll(() => {
  if (lack !== undefined) return;
  place = enterPeerPlace();
  const sections = `%setup
    touch "$APPTAINER_ROOTFS/given"
    chown 5:7 "$APPTAINER_ROOTFS/given"
    chmod 4711 "$APPTAINER_ROOTFS/given"
`;
  // Without %post: on machines where root lacks a capability the peer's containers do not start.
  writeDefinition(place.outside, "root.def", sections, place.inside);
  const post = '%post\n    echo "$UID $HOME" > /seen\n%test\n    [ -e /seen ]\n';
  writeDefinition(place.outside, "post.def", post, place.inside);
});

afterAll(() => place?.leave());

/** Offset of the SquashFS in a SIF: the first page that begins with its magic. */
function partitionOffset(path: string): number {
  const bytes = readFileSync(path);
  for (let at = 32768; at < bytes.length; at += 4096) {
    if (bytes.toString("latin1", at, at + 4) === "hsqs") return at;
  }
  throw new Error(`${path} holds no SquashFS`);
}

testUnless(lack)(
  "owners and set-id bits are those that the scripts gave, as with the peer",
  async () => {
    const listed: string[][] = [];
    for (const program of [place.skiff, place.peer]) {
      const target = `${place.inside}/root.sif`;
      const built = await place.run([program, "build", "-F", target, `${place.inside}/root.def`], {
        as: "self",
        timeoutMs: 120_000,
      });
      expect(built.stderr).toContain("Build complete");
      const path = `${place.outside}/root.sif`;
      const offset = String(partitionOffset(path));
      const { stdout } = await run(["unsquashfs", "-lln", "-o", offset, path], { as: "self" });
      const names = /squashfs-root\/(given|bin\/sh|etc|\.singularity\.d\/runscript)$/;
      const lines = stdout.split("\n").filter((line) => names.test(line));
      listed.push(lines.map((line) => line.replace(/ +[0-9]+ [0-9-]+ [0-9:]+ /, " ")).sort());
    }
    expect(listed[0]).toHaveLength(4);
    expect(listed[0]).toEqual(listed[1] ?? []);
    expect(listed[0]?.join("\n")).toContain("-rws--x--x 5/7");
    expect(readdirSync(place.outside).filter((name) => name.startsWith("."))).toEqual([]);
  },
  240_000,
);

testUnless(lack)("%post and %test run as the real root too", async () => {
  const built = await place.run(
    [place.skiff, "build", "--sandbox", `${place.inside}/post`, `${place.inside}/post.def`],
    { as: "self" },
  );
  expect(built.stderr).toContain("Build complete");
  expect(readFileSync(`${place.outside}/post/seen`, "utf8")).toBe("0 /root\n");
});
