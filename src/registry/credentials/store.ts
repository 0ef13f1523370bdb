import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { replaceFile } from "../../config/replace-file.ts";
import { credentialKey } from "./credential.ts";
import { hostOfKey } from "./docker-config.ts";

type Table = Record<string, unknown>;

/**
 * Stores name and password for a registry in a file of Docker's format; everything else in it stays.
 * The file is replaced as a whole, with mode 0600. Throws a Fault for a file that is no JSON.
 */
export function storeLogin(
  path: string,
  registry: string,
  username: string,
  password: string,
): void {
  const document = readDocument(path);
  const auths = withoutRegistry(document, registry);
  auths[credentialKey(registry)] = {
    auth: Buffer.from(`${username}:${password}`).toString("base64"),
  };
  write(path, { ...document, auths });
}

/** Removes what a file knows about a registry; false when it knows nothing. */
export function removeLogin(path: string, registry: string): boolean {
  const document = readDocument(path);
  const before = Object.keys(tableOf(document["auths"])).length;
  const auths = withoutRegistry(document, registry);
  if (Object.keys(auths).length === before) return false;
  write(path, { ...document, auths });
  return true;
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
