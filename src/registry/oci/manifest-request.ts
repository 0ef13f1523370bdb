import { Fault } from "../../base/fault.ts";
import { MANIFEST_TYPES } from "../../format/oci/manifest.ts";
import { OWN_HEADERS } from "../http/own-headers.ts";
import type { Question } from "../http/question.ts";
import { readWhole } from "../http/read-body.ts";
import type { OpenRequest, Registry } from "./registry.ts";

/** A manifest as it came, its digest checked. */
export interface FetchedManifest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
  /** Without parameters, in lower case. */
  readonly mediaType: string;
  readonly digest: string;
}

const LIMIT_BYTES = 8 << 20;
const ACCEPT = MANIFEST_TYPES.join(",");
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** The digest that a tag stands for, by one HEAD request; undefined when the registry does not say it that way. */
export async function askDigest(
  registry: Registry,
  repository: string,
  version: string,
  what: string,
): Promise<string | undefined> {
  const answer = await registry.send(manifestPath(repository, version), repository, "pull", {
    method: "HEAD",
    headers: { accept: ACCEPT },
  });
  // An answer to HEAD has no body to tell more.
  if (answer.status === 405 || answer.status === 501) return undefined;
  if (!answer.ok) {
    const otherwise = answer.status === 404 ? "manifest unknown" : "";
    throw await registry.faultOf(answer, `Cannot fetch the manifest of ${what}`, otherwise);
  }
  const digest = answer.headers.get("docker-content-digest") ?? "";
  return DIGEST.test(digest) ? digest : undefined;
}

/** The request of `askDigest`, for one who asks again; undefined where it takes credentials. */
export async function openDigestRequest(
  registry: Registry,
  repository: string,
  version: string,
): Promise<(Pick<Question, "url" | "headers"> & Pick<OpenRequest, "untilMs">) | undefined> {
  const path = manifestPath(repository, version);
  const request = await registry.openRequest(path, repository, "pull");
  if (request === undefined) return undefined;
  const { url, authorization, untilMs } = request;
  const shown = authorization === undefined ? {} : { authorization };
  return {
    url,
    headers: { ...OWN_HEADERS, accept: ACCEPT, ...shown },
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

/**
 * Fetches a manifest by tag or digest. Throws a Fault when there is none, when its bytes have another
 * digest than the one asked for or announced, or when a web page stands in its place.
 */
export async function fetchManifest(
  registry: Registry,
  repository: string,
  version: string,
  what: string,
  accept: readonly string[] = MANIFEST_TYPES,
): Promise<FetchedManifest> {
  const attempt = `Cannot fetch the manifest of ${what}`;
  const answer = await registry.send(manifestPath(repository, version), repository, "pull", {
    headers: { accept: accept.join(",") },
  });
  if (!answer.ok) throw await registry.faultOf(answer, attempt);
  const bytes = await readWhole(answer, LIMIT_BYTES, `the manifest of ${what}`);
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
  const mediaType = (answer.headers.get("content-type") ?? "").replace(/;.*$/s, "").toLowerCase();
  const text = new TextDecoder().decode(bytes);
  if (/^\s*<(!doctype|html)/i.test(text)) {
    throw new Fault("invalid", `${attempt}: ${registry.name} answered an HTML page`, {
      hint: "is it a registry at all, and not a web site or a log-in page of the network?",
    });
  }
  const announced = answer.headers.get("docker-content-digest") ?? "";
  // One of another kind cannot be compared.
  const expected = DIGEST.test(version) ? version : DIGEST.test(announced) ? announced : digest;
  if (digest !== expected) {
    throw new Fault("invalid", `${attempt}: its digest is ${digest}, not ${expected}`, {
      hint: "the registry, or something on the way to it, is broken",
    });
  }
  return { bytes, text, mediaType, digest };
}

function manifestPath(repository: string, version: string): string {
  return `${repository}/manifests/${version}`;
}
