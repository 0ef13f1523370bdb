import { Fault } from "../../base/fault.ts";
import type { LibraryReference } from "../../format/oci/image-address.ts";
import type { HttpClient } from "../http/client.ts";
import { askLibrary, type LibraryData, requireText } from "./_library-request.ts";
import { uploadImage } from "./_upload.ts";
import type { LibraryPlace } from "./pull.ts";
import { setTags } from "./set-tags.ts";
import { type FileDigests, piecesOf, type UploadContent } from "./upload-content.ts";

export interface LibraryPush {
  readonly http: HttpClient;
  readonly place: LibraryPlace;
  readonly image: LibraryReference;
  readonly content: UploadContent;
  /** GOARCH name of the image. */
  readonly arch: string;
  readonly description: string;
  onSend?(sizeBytes: number): void;
  onBytes?(done: number): void;
}

/** What a library says of an upload; absent where it says nothing. */
export interface PushReceipt {
  /** Bytes in use and allowed; 0 allowed: without limit. */
  readonly quota?: { readonly usedBytes: number; readonly totalBytes: number };
  /** Path of the container's page below the service's address. */
  readonly containerUrl?: string;
}

/**
 * Sends a SIF to a library (reference: library-api.md section 6):
 *
 *   entity ─► collection ─► container     each looked up, made when it is not there
 *   image by its hash ─► upload unless it is there ─► a tag per name
 */
export async function pushLibraryImage(push: LibraryPush): Promise<PushReceipt> {
  const { arch, content, description, http, image, place } = push;
  const [entity = "", collection = "", container = "", ...more] = image.path.split("/");
  if (container === "" || more.length > 0) {
    throw new Fault("usage", `Cannot push to "${image.path}": it needs exactly three parts`, {
      exitCode: 255,
      hint: "write library://entity/collection/image:tag",
    });
  }
  const { sizeBytes } = content;
  const digests = content.digests ?? (await digestsOf(content));
  const obtain = async (kind: string, name: string, fields: object): Promise<string> => {
    const found =
      (await askLibrary(http, place, "GET", `v1/${kind}/${name}`)) ??
      (await askLibrary(http, place, "POST", `v1/${kind}`, fields));
    return requireText(found, "id", name);
  };
  const about = { description: "No description" };
  const entityId = await obtain("entities", entity, { name: entity, ...about });
  const inEntity = { name: collection, entity: entityId, ...about };
  const collectionId = await obtain("collections", `${entity}/${collection}`, inEntity);
  const inCollection = { name: container, collection: collectionId, ...about };
  const containerId = await obtain("containers", image.path, inCollection);
  const hash = `sha256.${digests.sha256}`;
  const query = `?arch=${encodeURIComponent(arch)}`;
  const known =
    (await askLibrary(http, place, "GET", `v1/images/${image.path}:${hash}${query}`)) ??
    (await askLibrary(http, place, "POST", "v1/images", {
      hash,
      description,
      container: containerId,
      uploaded: false,
    }));
  const imageId = requireText(known, "id", "the image");
  let receipt: PushReceipt = {};
  if (known?.["uploaded"] !== true) {
    push.onSend?.(sizeBytes);
    const { onBytes } = push;
    receipt = readReceipt(
      await uploadImage({ http, place, imageId, content, ...digests, onBytes }),
    );
  }
  await setTags({ http, place, containerId, imageId, arch }, image.tags);
  return receipt;
}

async function digestsOf(content: UploadContent): Promise<FileDigests> {
  const sha256 = new Bun.CryptoHasher("sha256");
  const md5 = new Bun.CryptoHasher("md5");
  for await (const piece of piecesOf(content, 0, content.sizeBytes)) {
    sha256.update(piece);
    md5.update(piece);
  }
  return { sha256: sha256.digest("hex"), md5: md5.digest("hex") };
}

function readReceipt(data: LibraryData): PushReceipt {
  const { quotaTotal, quotaUsage } = (data["quota"] ?? {}) as LibraryData;
  const url = data["containerUrl"];
  return {
    ...(typeof quotaTotal === "number" && typeof quotaUsage === "number"
      ? { quota: { usedBytes: quotaUsage, totalBytes: quotaTotal } }
      : {}),
    ...(typeof url === "string" && /^[!-~]+$/.test(url) ? { containerUrl: url } : {}),
  };
}
