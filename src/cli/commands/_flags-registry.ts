import type { FlagSpec } from "../spec.ts";

export const NO_HTTPS_FLAG: FlagSpec = {
  name: "no-https",
  kind: "bool",
  env: ["NOHTTPS", "NO_HTTPS"],
  aliases: [{ name: "nohttps", hidden: true, deprecated: "use --no-https" }],
  help: "plain http for docker, oras and library addresses",
};

export const DISABLE_CACHE_FLAG: FlagSpec = {
  name: "disable-cache",
  kind: "bool",
  env: ["DISABLE_CACHE"],
  help: "neither read nor write the cache of images",
};

export const AUTHFILE_FLAG: FlagSpec = {
  name: "authfile",
  kind: "string",
  env: ["AUTH_FILE", "AUTHFILE"],
  meta: "file",
  values: "file",
  help: "registry credentials, in the format of Docker's config.json",
};

export const LIBRARY_FLAG: FlagSpec = {
  name: "library",
  kind: "string",
  env: ["LIBRARY"],
  meta: "url",
  help: "address of the image library",
};

export const TMPDIR_FLAG: FlagSpec = {
  name: "tmpdir",
  kind: "string",
  env: ["TMPDIR"],
  bareEnv: ["TMPDIR"],
  default: "/tmp",
  meta: "dir",
  values: "dir",
  hidden: true,
  help: "directory for temporary files",
};

/** Credentials and address of Docker and OCI registries. */
export const REGISTRY_FLAGS: readonly FlagSpec[] = [
  {
    name: "docker-login",
    kind: "bool",
    env: ["DOCKER_LOGIN"],
    help: "ask for the name and password at the registry",
  },
  {
    name: "docker-host",
    kind: "string",
    env: ["DOCKER_HOST"],
    bareEnv: ["DOCKER_HOST"],
    meta: "address",
    help: "address of the Docker daemon",
  },
  {
    name: "docker-username",
    kind: "string",
    env: ["DOCKER_USERNAME"],
    bareEnv: ["DOCKER_USERNAME"],
    meta: "name",
    hidden: true,
    help: "name at the registry",
  },
  {
    name: "docker-password",
    kind: "string",
    env: ["DOCKER_PASSWORD"],
    bareEnv: ["DOCKER_PASSWORD"],
    meta: "password",
    hidden: true,
    help: "password at the registry",
  },
  AUTHFILE_FLAG,
  NO_HTTPS_FLAG,
  {
    name: "offline",
    kind: "bool",
    env: ["OFFLINE"],
    help: "ask no registry: use what the cache has for the address",
  },
  {
    name: "progress",
    kind: "string",
    env: ["PROGRESS"],
    default: "auto",
    meta: "how",
    values: ["auto", "plain", "json", "none"],
    help: "how fetching is shown: auto, plain, json (events on standard error) or none",
  },
];

/** Encrypted images. */
export const ENCRYPTION_FLAGS: readonly FlagSpec[] = [
  {
    name: "passphrase",
    kind: "bool",
    help: "ask for the passphrase of an encrypted image",
  },
  {
    name: "pem-path",
    kind: "string",
    meta: "file",
    values: "file",
    help: "PEM file with the RSA key of an encrypted image",
  },
];
