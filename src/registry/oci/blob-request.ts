import type { OciDescriptor } from "../../format/oci/manifest.ts";
import type { HttpClient } from "../http/client.ts";
import { streamRanged } from "../http/stream-ranged.ts";
import type { Registry } from "./registry.ts";

/** What is needed to fetch a blob. */
export interface BlobRequest {
  readonly registry: Registry;
  readonly http: HttpClient;
  readonly repository: string;
  readonly blob: Pick<OciDescriptor, "digest" | "sizeBytes" | "urls">;
  /** For faults: `layer sha256:… of docker://alpine`. */
  readonly what: string;
  note?(text: string): void;
}

/** The bytes of a blob from an offset to `end` (exclusive; default all that follow); the receiver checks their digest. Throws a Fault. */
export function streamBlob(
  request: BlobRequest,
  offset: number,
  end: number = request.blob.sizeBytes,
): AsyncGenerator<Uint8Array> {
  const { blob, http, registry, repository, what } = request;
  // Layers that may not be distributed lie elsewhere; nobody there gets credentials.
  const [url] = blob.urls.filter((one) => /^https?:\/\//.test(one));
  const open = async (headers: Readonly<Record<string, string>>): Promise<Response> => {
    const path = `${repository}/blobs/${blob.digest}`;
    const answer =
      url === undefined
        ? await registry.send(path, repository, "pull", { headers })
        : await http.send({ url, headers });
    if (!answer.ok) throw await registry.faultOf(answer, `Cannot fetch ${what}`);
    return answer;
  };
  const note = (text: string): void => request.note?.(text);
  return streamRanged({ http, sizeBytes: blob.sizeBytes, what, open, note }, offset, end);
}
