import { readFileSync } from "node:fs";
import { type Credential, credentialKey, HUB_KEY, passwordCredential } from "./credential.ts";

type Table = Readonly<Record<string, unknown>>;

/** A file in the format of Docker's config.json (reference: oci.md section 3). */
export interface DockerConfig {
  readonly path: string;
  readonly auths: Table;
  /** Registry → name of the helper program. */
  readonly helpers: Table;
  /** Helper for all other registries; "" when there is none. */
  readonly store: string;
}

/** The file's content; "missing" when it is not there, "broken" when it cannot be read or is no JSON object. */
export function readDockerConfig(path: string): DockerConfig | "missing" | "broken" {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? "missing" : "broken";
  }
  if (text.trim() === "") return "missing";
  let json: Table | undefined;
  try {
    json = asTable(JSON.parse(text));
  } catch {
    return "broken";
  }
  if (json === undefined) return "broken";
  return {
    path,
    auths: asTable(json["auths"]) ?? {},
    helpers: asTable(json["credHelpers"]) ?? {},
    store: typeof json["credsStore"] === "string" ? json["credsStore"] : "",
  };
}

/** The helper that the file names for a registry. */
export interface NamedHelper {
  readonly name: string;
  /** It is named for this registry, not for all. */
  readonly isOwn: boolean;
}

export function helperFor(config: DockerConfig, registry: string): NamedHelper | undefined {
  const own = config.helpers[registry] ?? config.helpers[credentialKey(registry)];
  if (typeof own === "string" && own !== "") return { name: own, isOwn: true };
  return config.store === "" ? undefined : { name: config.store, isOwn: false };
}

/** The credential that stands in the file itself: for `registry/repository` and its parents first, then for the registry. */
export function credentialIn(
  config: DockerConfig,
  registry: string,
  repository: string,
): Credential | undefined {
  const keys = [credentialKey(registry)];
  let path = registry;
  for (const part of repository === "" ? [] : repository.split("/")) {
    path = `${path}/${part}`;
    keys.unshift(path);
  }
  for (const key of keys) {
    const found = readEntry(asTable(config.auths[key]), config.path);
    if (found !== undefined) return found;
  }
  // Keys with scheme or path are for the host that they name.
  for (const [key, entry] of Object.entries(config.auths)) {
    if (hostOfKey(key) !== registry) continue;
    const found = readEntry(asTable(entry), config.path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Registry that a key of the file stands for. */
export function hostOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, "").replace(/\/.*$/s, "");
  const isHub = key === HUB_KEY || host === "index.docker.io" || host === "registry-1.docker.io";
  return isHub ? "docker.io" : host;
}

function readEntry(entry: Table | undefined, path: string): Credential | undefined {
  if (entry === undefined) return undefined;
  const text = (name: string): string => (typeof entry[name] === "string" ? entry[name] : "");
  const token = text("identitytoken");
  if (token !== "") return { kind: "identity-token", username: "", secret: token, source: path };
  const registryToken = text("registrytoken");
  if (registryToken !== "") {
    return { kind: "registry-token", username: "", secret: registryToken, source: path };
  }
  const decoded = Buffer.from(text("auth"), "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon > 0) {
    return passwordCredential(decoded.slice(0, colon), decoded.slice(colon + 1), path);
  }
  const [username, password] = [text("username"), text("password")];
  return username === "" ? undefined : passwordCredential(username, password, path);
}

function asTable(value: unknown): Table | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Table)
    : undefined;
}
