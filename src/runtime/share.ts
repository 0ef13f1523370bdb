import { getuid } from "../host/process-calls.ts";
import { stat } from "../host/syscall.ts";
import type { SharePlaces } from "../plan/lower/share-ops.ts";
import type { Plan } from "../plan/plan.ts";

/** Directories in memory, then any that everybody has. */
const PLACES = ["/dev/shm", "/tmp"];
const LINE_BYTES = 32;

/** Directory where the steps of a user meet on this node; undefined: there is none. */
export function shareDirectory(): string | undefined {
  const place = PLACES.find((path) => stat(path)?.kind === "dir");
  return place === undefined ? undefined : `${place}/skiff-${getuid()}`;
}

/**
 * Where the processes meet that would make the very same container: same plan but for the program, its
 * directory, environment and privileges, and same files of images. Undefined when that cannot be told.
 */
export function sharePlaces(plan: Plan): SharePlaces | undefined {
  const dir = shareDirectory();
  if (dir === undefined || plan.share === undefined) return undefined;
  const files = [plan.root.image, ...plan.root.overlays.map(({ volume }) => volume)];
  for (const mount of plan.mounts) if (mount.kind === "image-bind") files.push(mount.volume);
  const identities = files.map(({ path }) => {
    const found = stat(path);
    return `${found?.id}.${found?.sizeBytes}.${found?.modifiedSeconds}`;
  });
  const { namespaces, identity, root, mounts, propagation, hostname, loopback } = plan;
  const { sessionMiB, sessionFs } = plan;
  const session = { sessionMiB, sessionFs };
  const parts = { namespaces, identity, root, mounts, propagation, session, hostname, loopback };
  const digest = digestOf(JSON.stringify({ parts, identities }));
  const isSharens = plan.share.firstEnv.length > 0;
  const about = JSON.stringify({ image: plan.image.path });
  return {
    dir,
    name: `${isSharens ? "sharens" : "step"}-${digest}`,
    about: `${padded(about)}\n`,
  };
}

/** With its line end a multiple of the members' lines. */
function padded(text: string): string {
  const bytes = new TextEncoder().encode(text).length + 1;
  return text + " ".repeat(Math.ceil(bytes / LINE_BYTES) * LINE_BYTES - bytes);
}

/** 128 bits: two seeds of a 64-bit hash. Against accidents: whose files these are, could enter anyway. */
function digestOf(text: string): string {
  const half = (seed: bigint): string => Bun.hash.wyhash(text, seed).toString(16).padStart(16, "0");
  return half(1n) + half(2n);
}
