import type { TarEntry } from "../../tar/tar-entry.ts";
import { cleanName } from "./_clean-name.ts";
import { OPAQUE, WHITEOUT } from "./_marks.ts";

/** What layers above leave to see at a path. */
interface Cover {
  /** Nothing below it comes through: they have something else than a directory there, or a mark. */
  hidesBelow: boolean;
  children: Map<string, Cover> | undefined;
}

/** Directory of the current layer. */
interface Place {
  /** Absent where the layers above have nothing; `hidden` where nothing of this layer comes through. */
  readonly cover: Cover | "hidden" | undefined;
}

/** Where a file will be. */
export interface Fate {
  /** At its path; nowhere, as layers above have something in its place; or that cannot be told. */
  readonly fate: "stays" | "hidden" | "unknown";
  /** Path in the root, without leading slash. */
  readonly path: string;
}

const UNKNOWN: Fate = { fate: "unknown", path: "" };

/**
 * Tells of the files of layers, read from the topmost down, which of them will be in the merged root,
 * so that each layer is read once:
 *
 *   foresight.beginLayer(false); foresight.foresee(entry) …; foresight.endLayer(entries);
 *   foresight.beginLayer(true);  …                                   the bottom one
 *
 * It sees names only, not where links of lower layers lead, nor what follows in the same layer: it may
 * be wrong, and whoever acts on it compares with the merge in the end (`planOutput`). It never is for
 * layers as builders of images write them, with all parents and without a name twice.
 */
export class Foresight {
  readonly #root: Cover = { hidesBelow: false, children: undefined };
  #isBottom = false;
  /** Directories that this layer has described, and those known by them; links. By path. */
  #described = new Set<string>();
  #places = new Map<string, Place>();
  #links = new Set<string>();

  /** @param isBottom no other follows. */
  beginLayer(isBottom: boolean): void {
    this.#isBottom = isBottom;
    this.#described = new Set();
    this.#places = new Map();
    this.#links = new Set();
  }

  /** To be asked of every entry of the layer, in order; the answer is about files. */
  foresee(entry: TarEntry): Fate {
    const parts = cleanName(entry.path);
    if (typeof parts === "string") return UNKNOWN;
    const joined = parts.join("/");
    // Mostly the same text, which is kept once then.
    const path = joined === entry.path ? entry.path : joined;
    const name = parts.pop();
    if (name === undefined) return UNKNOWN;
    const place = this.#placeOf(parts);
    if (entry.kind === "symlink") this.#links.add(path);
    if (place === undefined) return UNKNOWN;
    if (entry.kind === "dir") this.#described.add(path);
    const isHidden = place.cover === "hidden" || place.cover?.children?.has(name) === true;
    return { fate: isHidden ? "hidden" : "stays", path };
  }

  /** What the layer hides of those below; after the bottom one all is forgotten. */
  endLayer(entries: readonly TarEntry[]): void {
    if (this.#isBottom) {
      this.#root.children = undefined;
      this.beginLayer(true);
      return;
    }
    for (const entry of entries) this.#cover(entry);
  }

  #cover(entry: TarEntry): void {
    const parts = cleanName(entry.path);
    const name = typeof parts === "string" ? undefined : parts.pop();
    if (typeof parts === "string" || name === undefined) return;
    let at = this.#root;
    for (const part of parts) {
      // Hidden already: by a layer above, or by this one, which comes to the same.
      at = childOf(at, part);
    }
    if (name === OPAQUE) at.hidesBelow = true;
    else if (name.startsWith(WHITEOUT)) childOf(at, name.slice(WHITEOUT.length)).hidesBelow = true;
    else {
      const cover = childOf(at, name);
      if (entry.kind !== "dir") cover.hidesBelow = true;
    }
  }

  /** Undefined when it is not known where the path leads. */
  #placeOf(parts: readonly string[]): Place | undefined {
    const path = parts.join("/");
    const known = this.#places.get(path);
    if (known !== undefined) return known;
    const place = this.#findPlace(parts, path);
    if (place !== undefined) this.#places.set(path, place);
    return place;
  }

  #findPlace(parts: readonly string[], path: string): Place | undefined {
    const name = parts.at(-1);
    if (name === undefined) return { cover: this.#root.hidesBelow ? "hidden" : this.#root };
    const parent = this.#placeOf(parts.slice(0, -1));
    // Below the last layer nothing can be a link.
    const isDirectory = this.#described.has(path) || (this.#isBottom && !this.#links.has(path));
    if (parent === undefined || !isDirectory) return undefined;
    if (parent.cover === "hidden") return parent;
    const cover = parent.cover?.children?.get(name);
    return { cover: cover?.hidesBelow === true ? "hidden" : cover };
  }
}

function childOf(cover: Cover, name: string): Cover {
  cover.children ??= new Map();
  const found = cover.children.get(name);
  if (found !== undefined) return found;
  const made = { hidesBelow: false, children: undefined };
  cover.children.set(name, made);
  return made;
}
