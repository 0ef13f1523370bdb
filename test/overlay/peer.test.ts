import { describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { noLab, peerLab } from "../launch/peer-lab.ts";
import type { PeerPlace } from "../support/peer.ts";
import { testUnless } from "../support/skip.ts";

/** Overlay images that one tool makes and the other uses, and locks that both see. */
let place: PeerPlace | undefined;
const { same } = peerLab((lab) => {
  place = lab;
});
const peerRoot = process.env["PEER_ROOT"] ?? "/opt/peer";
const lack =
  noLab ??
  (existsSync(`${peerRoot}/usr/sbin/mkfs.ext3`) || existsSync("/usr/bin/apptainer")
    ? undefined
    : "the peer has no mkfs.ext3");

/** Shell words for both directions; `$peer`, `$skiff` and the working directory are set. */
async function inPlace(script: string): Promise<string> {
  if (place === undefined) throw new Error("no place");
  const { peer, skiff, inside } = place;
  const words = `peer=${peer} skiff=${skiff}; d=$(mktemp -d ${inside}/o.XXXX); cd $d; cp ../img.sif .; ${script}`;
  const { stdout } = await place.run(["sh", "-c", words], { timeoutMs: 60_000 });
  return stdout;
}

for (const [maker, user] of [
  ["peer", "skiff"],
  ["skiff", "peer"],
] as const) {
  describe(`made by ${maker}, used by ${user}`, () => {
    testUnless(lack)("an overlay file", async () => {
      const out = await inPlace(
        `$${maker} overlay create --create-dir /made o.img
         $${user} exec --overlay o.img img.sif sh -c 'echo a >/made/f'
         $${maker} exec --overlay o.img:ro img.sif cat /made/f
         $${maker} overlay create --fakeroot f.img
         $${user} exec --fakeroot --overlay f.img img.sif sh -c 'echo b >/f; chown 5:6 /f'
         $${maker} exec --fakeroot --overlay f.img:ro img.sif stat -c %u:%g /f`,
      );
      expect(out).toBe("a\n5:6\n");
    });

    testUnless(lack)("an overlay in a SIF", async () => {
      const out = await inPlace(
        `$${maker} overlay create img.sif && $${user} exec --writable img.sif sh -c 'echo c >/c'
         $${user} exec img.sif cat /c; $${maker} exec img.sif cat /c; $${user} overlay create img.sif || echo refused`,
      );
      expect(out).toBe("c\nc\nrefused\n");
    });

    testUnless(lack)("in use at the same time", async () => {
      const out = await inPlace(
        `$${maker} overlay create o.img; mkfifo up down
         hold() { $${maker} exec --overlay $1 img.sif sh -c 'echo >up; read x <down' & pid=$!; read x <up; }
         try() { if $${user} exec --overlay $1 img.sif true 2>says$1; then echo shared; else grep -o 'currently in use' says$1; fi; }
         both() { try o.img & one=$!; try o.img:ro; wait $one; }
         end() { echo >down; wait $pid; }
         hold o.img; both; end
         hold o.img:ro; try o.img; try o.img:ro; end`,
      );
      expect(out).toBe("currently in use\ncurrently in use\ncurrently in use\nshared\n");
    });
  });
}

if (lack === undefined) {
  same("a new file is not made over an old one", {
    before: "touch @own/o.img",
    words: ["overlay", "create", "@own/o.img"],
    code: 255,
  });
  same("too small", {
    words: ["overlay", "create", "--size", "63", "@own/o.img"],
    code: 255,
    says: /must be equal or greater than 64 MiB/,
  });
  same("a directory of the layer outside of it", {
    words: ["overlay", "create", "--create-dir", "../x", "@own/o.img"],
    code: 255,
    says: /outside of overlay layout/,
  });
  same("a signed SIF", {
    before:
      "cp @sif @own/s.sif; openssl genpkey -algorithm ed25519 -out @own/k.pem 2>/dev/null; apptainer -s sign --key @own/k.pem @own/s.sif",
    words: ["overlay", "create", "@own/s.sif"],
    code: 255,
    says: /is signed: could not add writable overlay/,
  });
}
