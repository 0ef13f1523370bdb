import { Fault } from "../../base/fault.ts";
import type { ShubReference } from "../../format/oci/image-address.ts";
import type { CachePlaces } from "../../image/cache/places.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import { type HttpFile, storedFile } from "../http-file/fetch-file.ts";
import type { TransferHooks } from "../oci/open-image.ts";

export interface ShubImageOptions {
  readonly http: HttpClient;
  readonly image: ShubReference;
  /** As the user wrote it. */
  readonly text: string;
  readonly noHttps: boolean;
  readonly places: CachePlaces;
  readonly hooks: TransferHooks;
}

const LIMIT_BYTES = 1 << 20;

/**
 * Looks an image up at Singularity Hub, or a registry that speaks like it, by one request (reference:
 * library-api.md section 11). The answer names the file and the commit, by which the cache knows it.
 * Throws a Fault.
 */
export async function openShubImage(options: ShubImageOptions): Promise<HttpFile> {
  const { http, image, text, noHttps, places, hooks } = options;
  const base = `${noHttps ? "http" : "https"}://${image.registry}`;
  const url = `${base}/api/container/${image.name}:${image.tag}${image.digest === "" ? "" : `@${image.digest}`}`;
  const answer = await http.send({ url, timeoutMs: 30_000 });
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    const why =
      answer.status === 404
        ? "the requested manifest was not found in singularity hub (404)"
        : `${base} answers ${answer.status}${said === "" ? "" : `: ${said}`}`;
    throw new HttpFault(answer.status, `Cannot use ${text}: ${why}`);
  }
  const body = await readWhole(answer, LIMIT_BYTES, `the answer about ${text}`);
  const { file, commit } = readManifest(new TextDecoder().decode(body), text, url);
  const isKnown = commit !== "";
  return storedFile(
    http,
    {
      url: file,
      // Without a commit nobody can tell whether it is the same the next time.
      entry: { kind: "shub", name: isKnown ? commit : crypto.randomUUID() },
      reference: text,
      sizeBytes: undefined,
      validator: null,
      isKnown: false,
    },
    places,
    hooks,
  );
}

function readManifest(
  text: string,
  reference: string,
  url: string,
): { readonly file: string; readonly commit: string } {
  const refuse = (why: string): never => {
    throw new Fault("invalid", `Cannot use ${reference}: ${url} ${why}`);
  };
  let json: Readonly<Record<string, unknown>> = {};
  try {
    json = (JSON.parse(text) ?? {}) as typeof json;
  } catch {
    refuse(/^\s*</.test(text) ? "answers an HTML page" : "answers no JSON");
  }
  const { image, commit = "" } = json;
  if (typeof image !== "string" || !/^https?:\/\/[^/\s]+/.test(image)) {
    return refuse("names no file to fetch");
  }
  // It becomes part of a path.
  if (typeof commit !== "string" || !/^[0-9a-fA-F]{0,64}$/.test(commit)) {
    return refuse("names a commit that is none");
  }
  return { file: image, commit };
}
