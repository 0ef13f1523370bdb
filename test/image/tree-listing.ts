import type { FileView } from "../../src/base/file-view.ts";

/** What a listing tells about one path: kind, mode, size, link text and a digest of the content. */
export type Listing = ReadonlyMap<string, string>;

/** Bounds for trees that may be damaged and then lead in circles. */
const MAX_DEPTH = 12;
const MAX_ENTRIES = 20_000;

/** Every path of a view with its facts as text, read through the view alone. */
export function listTree(view: FileView): Listing {
  const out = new Map<string, string>();
  const visit = (path: string, depth: number): void => {
    const entry = view.lstat(path === "" ? "/" : path);
    if (entry === undefined || out.size > MAX_ENTRIES) return;
    const facts = [entry.kind, entry.mode.toString(8)];
    if (entry.kind === "file") facts.push(String(entry.sizeBytes), digest(view.read(path)));
    if (entry.kind === "symlink") facts.push(entry.link ?? "no text");
    out.set(path, facts.join(" "));
    if (entry.kind !== "dir" || depth > MAX_DEPTH) return;
    for (const name of view.list(path === "" ? "/" : path) ?? []) {
      visit(`${path}/${name}`, depth + 1);
    }
  };
  visit("", 0);
  return out;
}

function digest(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "unread" : Bun.hash(bytes).toString(16);
}
