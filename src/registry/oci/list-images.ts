import { Fault } from "../../base/fault.ts";
import { readWhole } from "../http/read-body.ts";
import type { Registry } from "./registry.ts";

const LIMIT_BYTES = 16 << 20;
/** Pages that are asked for at most: a registry that names itself as the next page must not loop. */
const MOST_PAGES = 1000;

/** Names of the repositories of a registry that contain a text (distribution specification, catalog). Throws a Fault. */
export async function listRepositories(
  registry: Registry,
  words: string,
): Promise<readonly string[]> {
  const names = await listPages(registry, "_catalog?n=1000", "", "repositories");
  return names.filter((name) => name.includes(words));
}

/** Tags of a repository; none when it is gone. */
export async function listTags(registry: Registry, repository: string): Promise<readonly string[]> {
  return await listPages(registry, `${repository}/tags/list?n=1000`, repository, "tags");
}

async function listPages(
  registry: Registry,
  first: string,
  repository: string,
  member: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  const attempt = `Cannot list what ${registry.name} holds`;
  let path: string | undefined = first;
  for (let page = 0; path !== undefined && page < MOST_PAGES; page += 1) {
    const access = repository === "" ? "catalog" : "pull";
    const answer: Response = await registry.send(path, repository, access);
    if (answer.status === 404 && repository !== "") return found;
    if (!answer.ok) throw await registry.faultOf(answer, attempt);
    const text = new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, "the list"));
    found.push(...readNames(text, member, attempt));
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1];
    path = next === undefined ? undefined : registry.locate(next).replace(/^.*?\/v2\//, "");
  }
  return found;
}

function readNames(text: string, member: string, attempt: string): readonly string[] {
  try {
    const list = (JSON.parse(text) as Readonly<Record<string, unknown>>)[member];
    // They are printed: nothing else than names may come through.
    const isName = (one: unknown): one is string =>
      typeof one === "string" && /^[\w][\w./-]*$/.test(one);
    return Array.isArray(list) ? list.filter(isName) : [];
  } catch (cause) {
    throw new Fault("invalid", `${attempt}: it answers no JSON`, { cause });
  }
}
