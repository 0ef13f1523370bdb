import { mkdirSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { lstat } from "../../host/syscall.ts";
import type { HostFacts } from "../../plan/facts.ts";

/** Where the state of OCI containers is kept; it ends with the session or the machine, as they do. */
export interface OciPlaces {
  /** State of the low-level runtime. */
  readonly runtime: string;
  /** A directory for each container. */
  readonly containers: string;
}

/**
 * The caller's places, made: below /run for root, else in XDG_RUNTIME_DIR or a directory of the
 * user's in /tmp. They are short, as names of sockets have to be.
 *
 * @throws Fault when a directory cannot be made, or is somebody else's.
 */
export function ociPlaces(host: HostFacts): OciPlaces {
  const session = host.env["XDG_RUNTIME_DIR"];
  const base = host.isRealRoot
    ? "/run/skiff/oci"
    : session?.startsWith("/") === true && lstat(session)?.uid === host.uid
      ? `${session}/skiff-oci`
      : `/tmp/skiff-oci-${host.uid}`;
  const places = { runtime: `${base}/runtime`, containers: `${base}/containers` };
  try {
    for (const path of Object.values(places)) mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Cannot make ${base}: ${reason}`, { cause });
  }
  const made = lstat(base);
  if (made?.kind !== "dir" || made.uid !== host.uid) {
    throw new Fault("denied", `Cannot use ${base}: it belongs to somebody else`, {
      hint: "set XDG_RUNTIME_DIR to a directory of your own",
    });
  }
  return places;
}
