import { Fault } from "../../base/fault.ts";

/** What an image says of itself (OCI image-spec, config.md). */
export interface ImageConfig {
  /** GOARCH name; empty where the image does not say. */
  readonly arch: string;
  readonly os: string;
  readonly variant: string;
  /** Seconds since 1970; 0 where the image does not say. */
  readonly createdSeconds: number;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Digests of the layers' uncompressed archives, bottom first; may be empty. */
  readonly diffIds: readonly string[];
  /**
   * The `config` object as JSON in one line, known keys in alphabetical order and empty ones left
   * out: what a SIF keeps as `oci-config.json`.
   */
  readonly configJson: string;
}

/** Keys of the `config` object that are kept, in the order in which they are written. */
const KEPT = [
  "ArgsEscaped",
  "Cmd",
  "Entrypoint",
  "Env",
  "ExposedPorts",
  "Labels",
  "StopSignal",
  "User",
  "Volumes",
  "WorkingDir",
] as const;

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads an image configuration; throws a Fault that names the image: `invalid` when it cannot be read,
 * `unsupported` when it is for another system than Linux.
 */
export function parseImageConfig(text: string, where: string): ImageConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw broken(where, "it is not JSON", cause);
  }
  const image = objectOf(parsed);
  if (image === undefined) throw broken(where, "it is no JSON object");
  const config = objectOf(image["config"]) ?? {};
  const { os } = image;
  if (typeof os === "string" && os !== "" && os.toLowerCase() !== "linux") {
    throw new Fault("unsupported", `Cannot use ${where}: it is an image for "${os}"`, {
      hint: "only images for linux run here",
    });
  }
  const list = (key: string): readonly string[] => {
    const value = config[key] ?? [];
    if (typeof value === "string") return [value];
    if (!Array.isArray(value) || value.some((word) => typeof word !== "string")) {
      throw broken(where, `"${key}" is no list of texts`);
    }
    return value;
  };
  const text_ = (object: Json, key: string): string => {
    const value = object[key] ?? "";
    if (typeof value !== "string") throw broken(where, `"${key}" is no text`);
    return value;
  };
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(objectOf(config["Labels"]) ?? {})) {
    if (typeof value === "string") labels.set(key, value);
  }
  const created = Date.parse(text_(image, "created"));
  const diffIds = objectOf(image["rootfs"])?.["diff_ids"];
  return {
    arch: text_(image, "architecture"),
    os: text_(image, "os"),
    variant: text_(image, "variant"),
    createdSeconds: Number.isFinite(created) ? Math.max(0, Math.floor(created / 1000)) : 0,
    env: list("Env"),
    entrypoint: list("Entrypoint"),
    cmd: list("Cmd"),
    user: text_(config, "User"),
    workingDir: text_(config, "WorkingDir"),
    labels: Object.fromEntries(labels),
    diffIds: Array.isArray(diffIds) ? diffIds.filter((id) => typeof id === "string") : [],
    configJson: renderConfig(config),
  };
}

function renderConfig(config: Json): string {
  const members: string[] = [];
  for (const key of KEPT) {
    const value = config[key];
    if (!isEmpty(value)) members.push(`${JSON.stringify(key)}:${JSON.stringify(sorted(value))}`);
  }
  // As the peer's encoder does it.
  return `{${members.join(",")}}`.replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Objects with their keys in order. */
function sorted(value: unknown): unknown {
  const object = objectOf(value);
  if (object === undefined) return value;
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function objectOf(value: unknown): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Json;
}

function broken(where: string, why: string, cause?: unknown): Fault {
  return new Fault("invalid", `Cannot read the configuration of ${where}: ${why}`, {
    cause,
    hint: "the image is damaged; fetch or make it again",
  });
}
