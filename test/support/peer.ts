import { accessSync, constants } from "node:fs";
import { isRoot } from "./ordinary-user.ts";
import { enterLocalPlace, enterTree, type Place } from "./place.ts";

/**
 * A place where skiff and the peer run side by side: same root directory, same tools, same user.
 *
 * The peer is the program `SKIFF_PEER`, or the `apptainer` in PATH, used where it is; else, for
 * root only, the one in the directory tree `PEER_ROOT` (default /opt/peer), which then becomes the
 * root directory of both.
 */
export interface PeerPlace extends Place {
  /** The peer's program, as seen inside. */
  readonly peer: string;
}

const peerRoot = process.env["PEER_ROOT"] ?? "/opt/peer";
const localPeer = process.env["SKIFF_PEER"] ?? Bun.which("apptainer") ?? undefined;

/** Why there is no peer to compare with, or undefined. */
export function noPeer(): string | undefined {
  if (localPeer !== undefined) return undefined;
  try {
    accessSync(`${peerRoot}/usr/bin/apptainer`, constants.X_OK);
  } catch {
    return "there is no peer: neither SKIFF_PEER, nor apptainer in PATH, nor a tree at PEER_ROOT";
  }
  return isRoot ? undefined : "entering the tree at PEER_ROOT needs root";
}

/** Opens the place; `noPeer()` must have given no reason. The caller leaves it in the end. */
export function enterPeerPlace(): PeerPlace {
  if (localPeer !== undefined) return { ...enterLocalPlace(), peer: localPeer };
  return { ...enterTree(peerRoot), peer: "/usr/bin/apptainer" };
}
