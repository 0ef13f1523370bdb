import { Fault } from "../../base/fault.ts";
import { parseRegistryReference, type RegistryReference } from "./reference.ts";

/** Where an image comes from, as a user writes it: `docker://alpine:3`, `oras://…`, `oci:dir:tag`. */
export type ImageAddress =
  | { readonly kind: "docker" | "oras"; readonly text: string; readonly image: RegistryReference }
  | { readonly kind: "library"; readonly text: string; readonly image: LibraryReference }
  | { readonly kind: "http"; readonly text: string; readonly url: string }
  /** A file of IPFS: its content id, or that of a directory and the path in it. */
  | { readonly kind: "ipfs"; readonly text: string; readonly path: string }
  | { readonly kind: "shub"; readonly text: string; readonly image: ShubReference }
  | { readonly kind: LocalKind; readonly text: string; readonly path: string };

/** Transports whose images lie on this machine. */
export type LocalKind = "oci" | "oci-archive" | "docker-archive" | "docker-daemon";

/** An image of a library service (reference: library-api.md section 2). */
export interface LibraryReference {
  /** `host[:port]`; absent for the configured service. */
  readonly host: string | undefined;
  /** `entity/collection/container`, or its last one or two parts. */
  readonly path: string;
  /** At least one. A tag may be a hash: `sha256.…`. */
  readonly tags: readonly string[];
}

/** An image of Singularity Hub or a registry like it (reference: library-api.md section 11). */
export interface ShubReference {
  /** `host[:port]`, perhaps with a path. */
  readonly registry: string;
  /** `user/container`. */
  readonly name: string;
  readonly tag: string;
  /** Sum of the file or commit of its recipe; "" when not given. */
  readonly digest: string;
}

const LOCAL: readonly string[] = ["oci", "oci-archive", "docker-archive", "docker-daemon"];
const LIBRARY_PART = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const LIBRARY_TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Reads the address of an image; undefined when the word begins with no transport, so that it can
 * only be a path. Whether a file of that very name exists is for the caller to look first. Throws a
 * Fault for an unknown transport (`x://…`) and for an address that its transport does not take.
 */
export function parseImageAddress(text: string): ImageAddress | undefined {
  const [, name = "", slashes, rest = ""] =
    /^([A-Za-z][A-Za-z0-9+-]*):(\/\/)?(.*)$/s.exec(text) ?? [];
  const isWeb = slashes !== undefined;
  if (name === "docker" || name === "oras") {
    if (!isWeb) throw refusal(text, `image reference ${rest} does not start with //`);
    return { kind: name, text, image: parseRegistryReference(rest) };
  }
  if (name === "library") return { kind: "library", text, image: parseLibrary(rest, text) };
  if (name === "shub" && isWeb) return { kind: "shub", text, image: parseShub(rest, text) };
  if ((name === "http" || name === "https") && isWeb) {
    if (!/^[^/?#\s]+/.test(rest)) throw refusal(text, "the host is missing");
    return { kind: "http", text, url: text };
  }
  if (name === "ipfs" && isWeb) {
    if (!/^[A-Za-z0-9]+(\/|$)/.test(rest)) throw refusal(text, "the content id is missing");
    return { kind: "ipfs", text, path: rest };
  }
  if (LOCAL.includes(name)) {
    if (rest === "") throw refusal(text, "the path is missing");
    return { kind: name as LocalKind, text, path: isWeb ? `//${rest}` : rest };
  }
  if (!isWeb) return undefined;
  throw new Fault("usage", `Unsupported transport type: ${name}, in "${text}"`, {
    exitCode: 255,
    hint: "known are docker, oras, library, shub, http, https, ipfs, oci, oci-archive, docker-archive and docker-daemon",
  });
}

function parseLibrary(rest: string, text: string): LibraryReference {
  // A host is what stands before three parts: `library://host/entity/collection/container`.
  const parts = rest.split("/");
  const host = parts.length > 3 ? parts.shift() : undefined;
  const joined = parts.join("/");
  const colon = joined.indexOf(":");
  const path = colon < 0 ? joined : joined.slice(0, colon);
  const tags = colon < 0 ? ["latest"] : joined.slice(colon + 1).split(",");
  if (parts.length > 3) throw refusal(text, "it has more than three parts after the host");
  const wrong = path.split("/").find((part) => !LIBRARY_PART.test(part));
  if (wrong !== undefined) throw refusal(text, `"${wrong}" is no name`);
  const wrongTag = tags.find((tag) => !LIBRARY_TAG.test(tag));
  if (wrongTag !== undefined) throw refusal(text, `"${wrongTag}" is no tag`);
  return { host, path, tags };
}

const SHUB =
  /^(?:(?<registry>[-.a-zA-Z0-9/]{1,64}(?::[0-9]{1,5})?(?:\/[-.a-zA-Z0-9/]{1,64})?)\/)?(?<name>[-a-zA-Z0-9]{1,39}\/[-_.a-zA-Z0-9]{1,64})(?::(?<tag>[-_.a-zA-Z0-9]{1,64}))?(?:@(?<digest>[0-9a-f]{32}|[0-9a-f]{40}))?$/;

function parseShub(rest: string, text: string): ShubReference {
  const {
    registry = "singularity-hub.org",
    name,
    tag = "latest",
    digest = "",
  } = SHUB.exec(rest)?.groups ?? {};
  if (name === undefined) throw refusal(text, "it is not [registry/]user/container[:tag][@digest]");
  return { registry, name, tag, digest };
}

function refusal(text: string, why: string): Fault {
  return new Fault("usage", `Cannot read the image address "${text}": ${why}`, { exitCode: 255 });
}

/**
 * Name of the file that an image is pulled to when none is given (reference: cli.md section 3, pull):
 * last part of the name and tag; for a plain download the last part of its path as it is.
 *
 * @param isOciSif it becomes an OCI-SIF: `tool_1.0.oci.sif`, as SingularityCE has it.
 */
export function defaultFileName(address: ImageAddress, isOciSif = false): string {
  const name = sifName(address);
  return isOciSif && address.kind !== "http" ? name.replace(/\.sif$/, ".oci.sif") : name;
}

function sifName(address: ImageAddress): string {
  switch (address.kind) {
    case "docker":
    case "oras": {
      const { repository, tag, digest } = address.image;
      if (tag !== undefined) return `${lastPart(repository)}_${tag}.sif`;
      // As the peer has it: what stands before and after the colon of the digest.
      return `${lastPart(repository)}@${(digest ?? "").replace(":", "_")}.sif`;
    }
    case "library":
      return `${lastPart(address.image.path)}_${address.image.tags[0] ?? "latest"}.sif`;
    case "shub":
      return `${lastPart(address.image.name)}_${address.image.tag}.sif`;
    case "http":
      // As the peer has it, with a query where there is one.
      return lastPart(address.url) || "image.sif";
    default: {
      const place = address.path.replace(/\/+(?=[:@]|$)/, "");
      const [, before = place, hex = ""] = /^(.*)@sha256:([0-9a-f]+)$/s.exec(place) ?? [];
      const last = lastPart(before);
      const colon = last.indexOf(":");
      const name = colon < 0 ? last : last.slice(0, colon);
      const tag = colon < 0 ? "" : last.slice(colon + 1);
      if (tag === "" && hex !== "") return `${name}@sha256_${hex}.sif`;
      return `${name}_${tag === "" ? "latest" : tag}.sif`;
    }
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
