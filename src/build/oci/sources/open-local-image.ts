import { Fault } from "../../../base/fault.ts";
import { resolvePath } from "../../../base/path.ts";
import type { OciPlatform } from "../../../format/oci/manifest.ts";
import type { OciImage } from "../../../format/oci/oci-image.ts";
import { statFollow } from "../../../host/host-files.ts";
import { archiveFiles } from "./archive-files.ts";
import { folderFiles } from "./folder-files.ts";
import { openDockerArchive } from "./open-docker-archive.ts";
import { openLayout } from "./open-layout.ts";

/** Transports whose images are files of this machine. */
export type LocalTransport = "oci" | "oci-archive" | "docker-archive";

/** Whether a transport is one of them. */
export function isLocalTransport(name: string): name is LocalTransport {
  return name === "oci" || name === "oci-archive" || name === "docker-archive";
}

/**
 * Opens an image of a directory or archive (reference: oci.md section 10).
 *
 * @param rest what follows `oci:`: `PATH[:TAG][@sha256:…]`; for `docker-archive:` `PATH[:NAME|:@N]`.
 * @param cwd where a relative path starts.
 * @param folder where an archive that is compressed as a whole is decompressed.
 */
export async function openLocalOciImage(
  transport: LocalTransport,
  rest: string,
  cwd: string,
  platform: OciPlatform,
  folder: string,
): Promise<OciImage> {
  const reference = `${transport}:${rest}`;
  const { path, tag, digest } = splitPlace(rest, cwd);
  const stat = statFollow(path);
  if (stat === undefined) {
    throw new Fault("not-found", `Cannot read ${reference}: "${path}" does not exist`);
  }
  const choice = { reference, tag, digest, platform };
  if (transport === "oci") {
    if (stat.kind !== "dir") {
      throw new Fault("invalid", `Cannot read ${reference}: "${path}" is no directory`, {
        hint: "oci-archive: takes an archive with an OCI layout",
      });
    }
    return await openLayout(folderFiles(path), choice);
  }
  if (stat.kind !== "file") {
    throw new Fault("invalid", `Cannot read ${reference}: "${path}" is no file`, {
      hint: "oci: takes a directory with an OCI layout",
    });
  }
  const files = await archiveFiles(path, folder);
  const has = (name: string): boolean => files.sizeOf(name) !== undefined;
  // What newer engines save is both at once, and the list has the full names.
  if (transport === "docker-archive" && has("manifest.json")) {
    return await openDockerArchive(files, tag, reference);
  }
  if (has("index.json")) return await openLayout(files, choice);
  if (has("manifest.json")) return await openDockerArchive(files, tag, reference);
  throw new Fault("invalid", `Cannot read ${reference}: "${path}" holds no image`, {
    hint: "it needs a manifest.json (docker save) or an OCI layout",
  });
}

/** A path that exists as a whole has no tag behind it. */
function splitPlace(
  rest: string,
  cwd: string,
): { readonly path: string; readonly tag: string; readonly digest: string } {
  const [, place = rest, digest = ""] = /^(.*)@(sha256:[0-9a-f]{64})$/s.exec(rest) ?? [];
  const whole = resolvePath(cwd, place);
  const colon = place.indexOf(":");
  if (colon < 0 || statFollow(whole) !== undefined) {
    return { path: whole, tag: "", digest };
  }
  return { path: resolvePath(cwd, place.slice(0, colon)), tag: place.slice(colon + 1), digest };
}
