import { Fault } from "../../base/fault.ts";
import type { Registry } from "./registry.ts";

/** A blob to send. */
export interface Upload {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly body: Blob | Uint8Array<ArrayBuffer>;
  /** For faults. */
  readonly what: string;
}

const ACCESS = "push,pull";

/**
 * Sends a blob unless the registry has it (reference: oci.md section 8). True when it was sent.
 *
 *   HEAD blob ─► 200: done
 *            └─► POST uploads/ ─► PATCH Location, all bytes ─► PUT Location?digest=
 */
export async function uploadBlob(
  registry: Registry,
  repository: string,
  upload: Upload,
): Promise<boolean> {
  const { digest, what } = upload;
  const attempt = `Cannot send ${what}`;
  const there = await registry.send(`${repository}/blobs/${digest}`, repository, ACCESS, {
    method: "HEAD",
  });
  if (there.status === 200) return false;
  if (there.status !== 404) throw await registry.faultOf(there, attempt);
  await sendBlob(registry, repository, upload.body, () => digest, what);
  return true;
}

/** Sends a blob whose digest is known at its end only, such as one that is made while it is sent. Throws a Fault. */
export async function sendBlob(
  registry: Registry,
  repository: string,
  body: Upload["body"] | ReadableStream<Uint8Array>,
  digest: () => string,
  what: string,
): Promise<void> {
  const attempt = `Cannot send ${what}`;
  const opened = await registry.send(`${repository}/blobs/uploads/`, repository, ACCESS, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: "",
  });
  if (opened.status === 201) return;
  if (opened.status !== 202) throw await registry.faultOf(opened, attempt);
  await opened.body?.cancel();
  const patched = await registry.send(locationOf(registry, opened, attempt), repository, ACCESS, {
    method: "PATCH",
    headers: { "content-type": "application/octet-stream" },
    body,
    // A second try would have to ask first how much came in.
    tries: 1,
  });
  if (patched.status !== 202) throw await registry.faultOf(patched, attempt);
  await patched.body?.cancel();
  const finish = new URL(locationOf(registry, patched, attempt));
  finish.searchParams.set("digest", digest());
  const finished = await registry.send(finish.href, repository, ACCESS, {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: "",
  });
  if (finished.status !== 201) throw await registry.faultOf(finished, attempt);
  await finished.body?.cancel();
}

/** Stores a manifest under a tag or its digest. */
export async function putManifest(
  registry: Registry,
  repository: string,
  version: string,
  bytes: Uint8Array<ArrayBuffer>,
  mediaType: string,
): Promise<void> {
  const answer = await registry.send(`${repository}/manifests/${version}`, repository, ACCESS, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: bytes,
  });
  if (!answer.ok) throw await registry.faultOf(answer, `Cannot store the manifest "${version}"`);
  await answer.body?.cancel();
}

/** Where an upload goes on. Credentials go along, so another host is not accepted. */
function locationOf(registry: Registry, answer: Response, attempt: string): string {
  const location = answer.headers.get("location");
  if (location === null) {
    throw new Fault("invalid", `${attempt}: ${registry.name} does not say where to send it`);
  }
  const url = registry.locate(location);
  if (new URL(url).origin === new URL(registry.locate("/")).origin) return url;
  throw new Fault(
    "denied",
    `${attempt}: ${registry.name} wants it sent to ${new URL(url).host}, where its credentials must not go`,
  );
}
