import { Fault } from "../../base/fault.ts";
import type { LibraryReference } from "../../format/oci/image-address.ts";
import type { HttpClient } from "../http/client.ts";
import { askLibrary, requireText } from "./_library-request.ts";
import type { LibraryPlace } from "./pull.ts";

/** What tags are set on; ids are the library's. */
export interface TagTarget {
  readonly http: HttpClient;
  readonly place: LibraryPlace;
  readonly containerId: string;
  readonly imageId: string;
  /** GOARCH name. */
  readonly arch: string;
}

/** Lets tags stand for an image (reference: library-api.md section 6). Throws a Fault. */
export async function setTags(target: TagTarget, tags: readonly string[]): Promise<void> {
  const { arch, containerId, http, imageId, place } = target;
  for (const tag of tags) {
    const fields = { Arch: arch, Tag: tag, ImageID: imageId };
    const set = await askLibrary(http, place, "POST", `v2/tags/${containerId}`, fields);
    if (set !== undefined) continue;
    // A service of the first version has tags without architectures.
    const old = { Tag: tag, ImageID: imageId };
    if ((await askLibrary(http, place, "POST", `v1/tags/${containerId}`, old)) === undefined) {
      throw new Fault("failed", `Cannot set the tag "${tag}": the library knows no tags`);
    }
  }
}

/** Gives an image of a library further tags. Throws a Fault when there is no such image. */
export async function tagLibraryImage(
  http: HttpClient,
  place: LibraryPlace,
  image: LibraryReference,
  arch: string,
  tags: readonly string[],
): Promise<void> {
  const name = `${image.path}:${image.tags[0] ?? "latest"}`;
  const query = `?arch=${encodeURIComponent(arch)}`;
  const found = await askLibrary(http, place, "GET", `v1/images/${name}${query}`);
  const container = await askLibrary(http, place, "GET", `v1/containers/${image.path}`);
  if (found === undefined || container === undefined) {
    throw new Fault("not-found", `Cannot tag ${name}: image does not exist in the library`, {
      hint: `see to the spelling, and whether it is there for ${arch}`,
    });
  }
  const imageId = requireText(found, "id", name);
  const containerId = requireText(container, "id", image.path);
  await setTags({ http, place, containerId, imageId, arch }, tags);
}
