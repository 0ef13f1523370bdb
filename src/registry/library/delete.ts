import type { LibraryReference } from "../../format/oci/image-address.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import type { LibraryPlace } from "./pull.ts";

/** Deletes an image of a library for one architecture (reference: library-api.md section 10). Throws a Fault. */
export async function deleteLibraryImage(
  http: HttpClient,
  place: LibraryPlace,
  image: LibraryReference,
  arch: string,
  timeoutMs: number,
): Promise<void> {
  const tag = image.tags[0] ?? "latest";
  const answer = await http.send({
    method: "DELETE",
    url: `${place.base}/v1/images/${image.path}:${tag}?arch=${encodeURIComponent(arch)}`,
    authorization: place.token === "" ? undefined : `Bearer ${place.token}`,
    timeoutMs,
  });
  if (answer.ok) {
    await answer.body?.cancel();
    return;
  }
  const said = await readErrorBody(answer);
  const isRefused = answer.status === 401 || answer.status === 403;
  throw new HttpFault(
    answer.status,
    `Cannot delete ${image.path}:${tag} for ${arch}: ${place.base} answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
    isRefused ? { hint: "log in with: remote login" } : {},
  );
}
