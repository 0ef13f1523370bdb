import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { replaceFile } from "../../config/replace-file.ts";
import { credentialKey } from "./credential.ts";
import { helperFor, hostOfKey, type NamedHelper, readDockerConfig } from "./docker-config.ts";
import { askHelper, eraseFromHelper, storeInHelper } from "./helper.ts";

type Table = Record<string, unknown>;

type Environment = Readonly<Record<string, string>>;

/** Name and password at a registry. */
export interface Login {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Stores name and password for a registry where a file of Docker's format has them: with the credential
 * helper that it names, else in the file itself; everything else in it stays. The file is replaced as a
 * whole, with mode 0600. `warn` is told of a helper for all registries that is not installed. Throws a
 * Fault for a file that is no JSON, and for a helper that refuses or is named for this registry and
 * not installed.
 */
export async function storeLogin(
  path: string,
  login: Login,
  env: Environment,
  warn: (text: string) => void = () => {},
): Promise<void> {
  const { password, registry, username } = login;
  const document = readDocument(path);
  const auths = withoutRegistry(document, registry);
  const isKept = await keepWithHelper(path, login, env, warn);
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  auths[credentialKey(registry)] = isKept ? {} : { auth };
  write(path, { ...document, auths });
}

async function keepWithHelper(
  path: string,
  login: Login,
  env: Environment,
  warn: (text: string) => void,
): Promise<boolean> {
  const helper = namedHelper(path, login.registry);
  if (helper === undefined) return false;
  try {
    await storeInHelper(helper.name, login.registry, login, env);
    return true;
  } catch (error) {
    if (helper.isOwn || !isMissing(error)) throw error;
    warn(`${error.message}: the password is kept in "${path}"`);
    return false;
  }
}

/** Removes what a file and the helper that it names know about a registry; false when they know nothing. */
export async function removeLogin(
  path: string,
  registry: string,
  env: Environment,
): Promise<boolean> {
  const document = readDocument(path);
  const isErased = await forgetWithHelper(path, registry, env);
  const before = Object.keys(tableOf(document["auths"])).length;
  const auths = withoutRegistry(document, registry);
  if (Object.keys(auths).length === before) return isErased;
  write(path, { ...document, auths });
  return true;
}

async function forgetWithHelper(
  path: string,
  registry: string,
  env: Environment,
): Promise<boolean> {
  const helper = namedHelper(path, registry);
  if (helper === undefined) return false;
  try {
    if ((await askHelper(helper.name, registry, env)) === undefined) return false;
    await eraseFromHelper(helper.name, registry, env);
    return true;
  } catch (error) {
    // What is not installed keeps nothing.
    if (isMissing(error)) return false;
    throw error;
  }
}

function namedHelper(path: string, registry: string): NamedHelper | undefined {
  const config = readDockerConfig(path);
  return typeof config === "string" ? undefined : helperFor(config, registry);
}

function isMissing(error: unknown): error is Fault {
  return error instanceof Fault && error.code === "missing-tool";
}

/** Registries that a file has entries for, sorted. */
export function listLogins(path: string): readonly string[] {
  const names = Object.keys(tableOf(readDocument(path)["auths"])).map(hostOfKey);
  return [...new Set(names)].sort();
}

function withoutRegistry(document: Table, registry: string): Table {
  const entries = Object.entries(tableOf(document["auths"]));
  return Object.fromEntries(entries.filter(([key]) => hostOfKey(key) !== registry));
}

function write(path: string, document: Table): void {
  replaceFile(path, `${JSON.stringify(document, undefined, "\t")}\n`, 0o600);
}

function readDocument(path: string): Table {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Fault("denied", `Cannot read the file of credentials "${path}"`, { cause: error });
  }
  if (text.trim() === "") return {};
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Table;
  } catch {
    // Said below.
  }
  throw new Fault(
    "invalid",
    `Cannot change the file of credentials "${path}": it is no JSON object`,
    {
      hint: "correct it or move it away",
    },
  );
}

function tableOf(value: unknown): Table {
  return typeof value === "object" && value !== null ? (value as Table) : {};
}
