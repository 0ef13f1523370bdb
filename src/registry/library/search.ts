import { Fault } from "../../base/fault.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import type { LibraryPlace } from "./pull.ts";

export interface SearchChoice {
  readonly words: string;
  /** GOARCH name. */
  readonly arch: string;
  readonly signedOnly: boolean;
}

/** An image that a search found. */
export interface FoundImage {
  /** `library://entity/collection/container:tag,tag`, with the hash where there is no tag. */
  readonly address: string;
  /** "" when it has none. */
  readonly description: string;
  readonly fingerprints: readonly string[];
}

const LIMIT_BYTES = 16 << 20;

/** Searches a library for images (reference: library-api.md section 10); sorted by address. Throws a Fault. */
export async function searchLibrary(
  http: HttpClient,
  place: LibraryPlace,
  choice: SearchChoice,
): Promise<readonly FoundImage[]> {
  if (choice.words.length < 3) {
    throw new Fault(
      "usage",
      `bad query "${choice.words}": you must search for at least 3 characters`,
      {
        exitCode: 255,
      },
    );
  }
  const query = new URLSearchParams({ arch: choice.arch, value: choice.words });
  if (choice.signedOnly) query.set("signed", "true");
  const answer = await http.send({
    url: `${place.base}/v1/search?${query}`,
    authorization: place.token === "" ? undefined : `Bearer ${place.token}`,
  });
  const attempt = `Cannot search ${place.base}`;
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    throw new HttpFault(answer.status, `${attempt}: it answers ${answer.status}: ${said}`);
  }
  const text = new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, "what was found"));
  try {
    const { data } = JSON.parse(text) as { readonly data?: { readonly image?: unknown } };
    const found = Array.isArray(data?.image) ? data.image.map(readImage) : [];
    return found.sort((one, other) => (one.address < other.address ? -1 : 1));
  } catch (cause) {
    throw new Fault("invalid", `${attempt}: it answers no JSON`, { cause });
  }
}

function readImage(value: unknown): FoundImage {
  const image = (value ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string): string =>
    // What a server says has no business to steer the terminal.
    String(image[name] ?? "").replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
  const texts = (name: string): readonly string[] => {
    const list = image[name];
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  };
  const path = [text("entityName"), text("collectionName"), text("containerName")].join("/");
  const version = texts("tags").join(",") || text("hash");
  const description = text("description");
  return {
    address: `library://${path}:${version}`,
    description: /^no description$/i.test(description) ? "" : description,
    fingerprints: texts("fingerprints"),
  };
}
