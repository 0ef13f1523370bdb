import { MOUNT_FLAGS } from "../../ops/mount-flags.ts";
import type { WiredOp } from "../../ops/op.ts";
import type { Plan, Volume } from "../plan.ts";
import { imageFaults, setupFault } from "./fault-texts.ts";
import { CIPHER, CLEAR, HOST } from "./layout.ts";
import { volumeOps } from "./root-ops.ts";
import { SERVER_PATH } from "./served-overlay.ts";
import { shownOn } from "./show-on.ts";

/**
 * Ops that make an encrypted root readable at `target`, each step a file server that ends with the
 * next one, the last with the container:
 *
 *   partition ─ squashfuse ─► /cipher: gocryptfs.conf, squashfs-N
 *             ─ gocryptfs ──► /clear:  squashfs-N in clear, in memory only
 *             ─ squashfuse ─► target
 *
 * Servers live in the caller's tree: what they read is shown to them on `base` while they start.
 */
export function encryptedRootOps(
  volume: Volume,
  cipher: NonNullable<Volume["cipher"]>,
  target: string,
  plan: Plan,
  base: string,
): WiredOp[] {
  const { identity } = plan;
  const { ro, nodev, nosuid } = MOUNT_FLAGS;
  return [
    ...volumeOps(volume, CIPHER, plan),
    {
      op: { kind: "mkdir", root: "", path: CLEAR, mode: 0o700 },
      faults: setupFault(`cannot make ${CLEAR}`),
    },
    ...shownOn(base, CIPHER, `${CIPHER} to a file server`, [
      {
        op: {
          kind: "fuse",
          serverRoot: HOST,
          target: CLEAR,
          subtype: "gocryptfs",
          source: "gocryptfs",
          flags: ro | nodev | nosuid,
          data: "allow_other",
          uid: identity.uid,
          gid: identity.gid,
          argv: [
            ...[cipher.tool, "-fg", "-q", "-ro", "-nosyslog"],
            ...["-passfile", `/dev/fd/${cipher.keyFd}`, base, "%f"],
          ],
          env: [SERVER_PATH],
          selfMount: 0,
        },
        faults: imageFaults(volume.path, cipher.tool),
      },
    ]),
    ...shownOn(
      base,
      CLEAR,
      `${CLEAR} to a file server`,
      volumeOps({ ...volume, path: `${base}/${cipher.file}`, offsetBytes: 0 }, target, plan),
    ),
  ];
}
