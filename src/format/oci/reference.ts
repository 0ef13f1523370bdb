import { Fault } from "../../base/fault.ts";

/** An image of a registry (reference: oci.md section 1). */
export interface RegistryReference {
  /** `docker.io`, or `host[:port]` as written. */
  readonly registry: string;
  /** `library/alpine`; one-part names of Docker Hub are completed. */
  readonly repository: string;
  /** Absent only where a digest is given without a tag. */
  readonly tag: string | undefined;
  /** `sha256:…`; it counts before the tag. */
  readonly digest: string | undefined;
  /** Architecture that the repository's first part stands for, as in `arm64v8/alpine`. */
  readonly platform: { readonly arch: string; readonly variant: string } | undefined;
}

/** Name of Docker Hub in references. */
export const DOCKER_HUB = "docker.io";

const HUB_NAMES = ["docker.io", "index.docker.io", "registry-1.docker.io"];
const REPOSITORY =
  /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Parts of a repository that name an architecture, as image publishers use them. */
const ARCH_PARTS: Readonly<Record<string, readonly [arch: string, variant: string]>> = {
  amd64: ["amd64", ""],
  arm64: ["arm64", ""],
  arm32v5: ["arm", "v5"],
  arm32v6: ["arm", "v6"],
  arm32v7: ["arm", "v7"],
  arm64v8: ["arm64", "v8"],
  "386": ["386", ""],
  ppc64le: ["ppc64le", ""],
  s390x: ["s390x", ""],
  riscv64: ["riscv64", ""],
};

/**
 * Reads what stands after `docker://` or `oras://`: `[host[:port]/]name[/…][:tag][@sha256:…]`. The
 * first part is a host when it has a dot or a colon or is `localhost`; else the image is one of
 * Docker Hub. Without tag and digest the tag is `latest`. Throws a Fault for anything else.
 */
export function parseRegistryReference(text: string): RegistryReference {
  const refuse = (why: string): never => {
    throw new Fault("usage", `Cannot read the image reference "${text}": ${why}`, {
      exitCode: 255,
      hint: "write [host[:port]/]name[:tag] or [host[:port]/]name@sha256:DIGEST",
    });
  };
  const rest = text.replace(/^\/\//, "");
  const at = rest.indexOf("@");
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  if (digest !== undefined && !DIGEST.test(digest)) {
    refuse(`"${digest}" is no digest of the form sha256: and 64 hexadecimal digits`);
  }
  const named = at < 0 ? rest : rest.slice(0, at);
  const slash = named.indexOf("/");
  const first = slash < 0 ? "" : named.slice(0, slash);
  const hasHost = /[.:[]/.test(first) || first === "localhost";
  if (hasHost && !HOST.test(first)) refuse(`"${first}" is no host name`);
  const registry = !hasHost || HUB_NAMES.includes(first.toLowerCase()) ? DOCKER_HUB : first;
  const path = hasHost ? named.slice(slash + 1) : named;
  const colon = path.indexOf(":");
  const name = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) refuse(`"${tag}" is no tag`);
  const isShort = registry === DOCKER_HUB && !name.includes("/");
  const repository = isShort ? `library/${name}` : name;
  if (name === "") refuse("the name of the repository is missing");
  if (/[A-Z]/.test(name)) refuse(`the repository "${name}" must be in lower case`);
  if (!REPOSITORY.test(name) || repository.length > 255) refuse(`"${name}" is no repository name`);
  const [arch, variant] = ARCH_PARTS[name.split("/")[0] ?? ""] ?? [];
  return {
    registry,
    repository,
    tag: tag ?? (digest === undefined ? "latest" : undefined),
    digest,
    platform:
      name.includes("/") && arch !== undefined ? { arch, variant: variant ?? "" } : undefined,
  };
}

/** The reference in full: `registry.example.org:5000/tools/gcc:13`. */
export function formatRegistryReference(ref: RegistryReference): string {
  const tag = ref.tag === undefined ? "" : `:${ref.tag}`;
  const digest = ref.digest === undefined ? "" : `@${ref.digest}`;
  return `${ref.registry}/${ref.repository}${tag}${digest}`;
}

/** What requests name the image by: the digest where there is one, else the tag. */
export function requestedVersion(ref: RegistryReference): string {
  return ref.digest ?? ref.tag ?? "latest";
}
