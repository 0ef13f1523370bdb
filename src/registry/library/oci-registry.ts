import { Fault } from "../../base/fault.ts";
import type { LibraryReference } from "../../format/oci/image-address.ts";
import type { RegistryReference } from "../../format/oci/reference.ts";
import { type Credential, passwordCredential } from "../credentials/credential.ts";
import type { HttpClient } from "../http/client.ts";
import { readWhole } from "../http/read-body.ts";
import { askUser } from "./discover.ts";
import type { LibraryPlace } from "./pull.ts";

/** Where a library keeps OCI images. */
export interface LibraryRegistry {
  readonly image: RegistryReference;
  /** The registry speaks plain http. */
  readonly noHttps: boolean;
  readonly credential: Credential | undefined;
}

const LIMIT_BYTES = 1 << 20;

/**
 * The place in a library's registry of what a library address names (reference: library-api.md section 9):
 * images of layers lie there, under the same path. Throws a Fault for a service that has no registry.
 */
export async function findLibraryRegistry(
  http: HttpClient,
  place: LibraryPlace,
  address: LibraryReference,
): Promise<LibraryRegistry> {
  const uri = await registryOf(http, place);
  const [, scheme = "https", host = "", path = ""] =
    /^(?:(https?):\/\/)?([^/]+)\/?(.*?)\/*$/.exec(uri) ?? [];
  const parts = address.path.split("/");
  const full = [...["library", "default"].slice(0, 3 - parts.length), ...parts];
  const user = place.token === "" ? undefined : await askUser(http, place.base, place.token);
  return {
    image: {
      registry: host,
      repository: [...(path === "" ? [] : [path]), ...full].join("/"),
      tag: address.tags[0] ?? "latest",
      digest: undefined,
      platform: undefined,
    },
    noHttps: scheme === "http",
    credential:
      user === undefined || user.registryPassword === ""
        ? undefined
        : passwordCredential(user.name, user.registryPassword, `the log-in at ${place.service}`),
  };
}

async function registryOf(http: HttpClient, place: LibraryPlace): Promise<string> {
  const url = `${place.service}/assets/config/config.prod.json`;
  const answer = await http.send({ url, timeoutMs: 10_000 });
  const text = new TextDecoder().decode(
    await readWhole(answer, LIMIT_BYTES, `the list of ${place.service}`),
  );
  let uri: unknown;
  try {
    const { libraryAPI } = JSON.parse(text) as { libraryAPI?: { registryUri?: unknown } };
    uri = libraryAPI?.registryUri;
  } catch {
    // Told below.
  }
  if (answer.ok && typeof uri === "string" && uri !== "") return uri;
  throw new Fault("unsupported", `The library of ${place.service} has no registry for OCI images`, {
    hint: "use an oras:// or docker:// address",
  });
}
