import { Fault } from "../../base/fault.ts";
import type { HttpClient, HttpRequest } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { streamOf } from "../http/stream-of.ts";
import { askLibrary, type LibraryData, requireText } from "./_library-request.ts";
import type { LibraryPlace } from "./pull.ts";
import { type FileDigests, partsOf, piecesOf, type UploadContent } from "./upload-content.ts";

interface Upload extends FileDigests {
  readonly http: HttpClient;
  readonly place: LibraryPlace;
  readonly imageId: string;
  readonly content: UploadContent;
  readonly onBytes: ((done: number) => void) | undefined;
}

/** Longer files go in parts (reference: library-api.md section 7). */
const SINGLE_BYTES = 67_108_864;

/**
 * Sends the bytes of an image: in one piece, or in parts when it is long and the service takes parts; to
 * a service of the first version with the request itself.
 * Gives what the service says at the end: quota and address.
 */
export async function uploadImage(upload: Upload): Promise<LibraryData> {
  const { content, http, imageId, place } = upload;
  const { sizeBytes } = content;
  const base = `v2/imagefile/${imageId}`;
  if (sizeBytes > SINGLE_BYTES) {
    const start = await askLibrary(http, place, "POST", `${base}/_multipart`, {
      filesize: sizeBytes,
    });
    if (start !== undefined) {
      return await uploadParts(upload, base, start);
    }
  }
  const { md5, sha256 } = upload;
  const start = await askLibrary(http, place, "POST", base, {
    filesize: sizeBytes,
    md5sum: md5,
    sha256sum: sha256,
  });
  if (start === undefined) return await uploadToOldService(upload);
  const url = requireText(start, "uploadURL", "the upload");
  const signed = new URL(url).searchParams.get("X-Amz-SignedHeaders") ?? "";
  const isSigned = signed.split(";").includes("x-amz-content-sha256");
  await send(http, { url }, content.read(0, sizeBytes), {
    "content-type": "application/octet-stream",
    "content-length": String(sizeBytes),
    ...(isSigned ? { "x-amz-content-sha256": sha256 } : {}),
  });
  upload.onBytes?.(sizeBytes);
  return (await askLibrary(http, place, "PUT", `${base}/_complete`, {})) ?? {};
}

async function uploadToOldService(upload: Upload): Promise<LibraryData> {
  const { content, http, imageId, onBytes, place } = upload;
  const { sizeBytes } = content;
  const target = {
    method: "POST",
    url: `${place.base}/v1/imagefile/${imageId}`,
    authorization: `Bearer ${place.token}`,
  } as const;
  const headers = { "content-length": String(sizeBytes) };
  await send(http, target, content.read(0, sizeBytes), headers);
  onBytes?.(sizeBytes);
  return {};
}

async function uploadParts(upload: Upload, base: string, start: LibraryData): Promise<LibraryData> {
  const { content, http, place } = upload;
  const { sizeBytes } = content;
  const uploadID = requireText(start, "uploadID", "the upload");
  const partSize = Number(start["partSize"]);
  if (!Number.isSafeInteger(partSize) || partSize < 1) {
    throw new Fault("invalid", "The library does not tell how long parts are");
  }
  const options = start["options"] as Readonly<Record<string, unknown>> | undefined;
  const isHashed = (options?.["s3compliant"] ?? "true") === "true";
  const partOf = partsOf(content);
  const completedParts: { readonly partNumber: number; readonly token: string }[] = [];
  try {
    for (let at = 0; at < sizeBytes; at += partSize) {
      const partNumber = completedParts.length + 1;
      const end = Math.min(at + partSize, sizeBytes);
      const part = await partOf(at, end);
      const hash = new Bun.CryptoHasher("sha256");
      if (isHashed) for await (const piece of piecesOf(part, 0, end - at)) hash.update(piece);
      const sha256sum = isHashed ? hash.digest("hex") : "";
      const asked = { partSize: end - at, uploadID, partNumber, sha256sum };
      const given = await askLibrary(http, place, "PUT", `${base}/_multipart`, asked);
      const url = requireText(given, "presignedURL", `part ${partNumber}`);
      const headers = {
        "content-length": String(end - at),
        ...(isHashed ? { "x-amz-content-sha256": sha256sum } : {}),
      };
      const answer = await send(http, { url }, part.read(0, end - at), headers);
      completedParts.push({ partNumber, token: answer.headers.get("etag") ?? "" });
      upload.onBytes?.(end);
    }
    const all = { uploadID, completedParts };
    return (await askLibrary(http, place, "PUT", `${base}/_multipart_complete`, all)) ?? {};
  } catch (error) {
    await askLibrary(http, place, "PUT", `${base}/_multipart_abort`, { uploadID }).catch(() => {});
    throw error;
  }
}

/** Sends bytes, by PUT to an address that the library signed where nothing else is said: no credentials go along. */
async function send(
  http: HttpClient,
  target: Pick<HttpRequest, "method" | "url" | "authorization">,
  content: ReturnType<UploadContent["read"]>,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const isHeld = content instanceof Blob || content instanceof Uint8Array;
  const body = isHeld ? content : streamOf(content);
  // What is read while it is sent cannot be sent again.
  const again = isHeld ? {} : { tries: 1 };
  const answer = await http.send({ method: "PUT", ...target, body, headers, ...again });
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    const { host } = new URL(target.url);
    throw new HttpFault(
      answer.status,
      `Cannot send the image to ${host}: it answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
    );
  }
  await answer.body?.cancel();
  return answer;
}
