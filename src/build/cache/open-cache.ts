import { lstatSync, mkdirSync, readFileSync } from "node:fs";
import type { StepCache } from "../cached-root.ts";
import type { BuildPorts } from "../stage.ts";
import { openWorkspace } from "../workspace.ts";
import { canChown, overlayLayering, overlayOptions, treeLayering } from "./layers.ts";
import { OtherImages } from "./other-images.ts";
import { StepStore } from "./step-store.ts";

/** Where steps are kept and for whom. */
export interface CacheRequest {
  /** Folder below the user's cache. */
  readonly folder: string;
  /** Where temporary files go: the second choice, for homes that take no owners but the user. */
  readonly tempFolder: string;
  /** Path of the definition. */
  readonly definition: string;
  /** GOARCH name to build for, and this program's version. */
  readonly arch: string;
  readonly version: string;
  /** Images that steps may come from: paths and addresses. */
  readonly from: readonly string[];
  /** The time that the caller gave the image; layers have no later ones. */
  readonly sourceDateEpoch: number | undefined;
}

/**
 * The cache of a build, SKIFF_BUILD_LAYERS=tree makes whole trees of its steps
 * as where overlays are refused. Undefined, and that is told, where there can be none.
 */
export function openCache(request: CacheRequest, ports: BuildPorts): StepCache | undefined {
  const ids = readIds();
  const second = `${request.tempFolder}/skiff-build-cache-${ids.outside}`;
  const isTree = ports.env["SKIFF_BUILD_LAYERS"] === "tree";
  const places: (OpenedFolder & { readonly options: string | undefined })[] = [];
  for (const folder of isTree ? [request.folder] : [request.folder, second]) {
    const opened = tryFolder(folder, ids.highest, ports);
    if (typeof opened === "string") {
      ports.talk.verbose(`Steps cannot be kept in "${folder}": ${opened}`);
      continue;
    }
    const options = isTree ? undefined : overlayOptions(opened.space.path);
    places.push({ ...opened, options });
    if (options !== undefined) break;
  }
  // Where overlays work is better than where the user's cache is.
  const place = places.find(({ options }) => options !== undefined) ?? places[0];
  for (const other of places) if (other !== place) other.space.remove();
  if (place === undefined) {
    ports.talk.info("No directory takes the steps of this build: every step is carried out");
    return undefined;
  }
  if (place.options === undefined) {
    ports.talk.info("Overlays are refused here: steps are kept as whole trees, which is slower");
  }
  let names = 0;
  return {
    store: place.store,
    space: place.space,
    layering: place.options === undefined ? treeLayering(ports) : overlayLayering(place.options),
    context: new Map([
      ["architecture", request.arch],
      ["rights", ids.map],
      ["program", `skiff ${request.version}`],
      ...(request.sourceDateEpoch === undefined
        ? []
        : [["time", String(request.sourceDateEpoch)] as const]),
    ]),
    definition: request.definition,
    ...(request.from.length === 0 ? {} : { others: new OtherImages(request.from, ports) }),
    stages: new Map(),
    nextName: () => `work-${names++}`,
  };
}

type OpenedFolder = Pick<StepCache, "store" | "space">;

function tryFolder(folder: string, highestId: number, ports: BuildPorts): OpenedFolder | string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return "others can write there";
    const store = new StepStore(folder);
    const space = openWorkspace(folder);
    if (canChown(space.path, highestId)) return { store, space };
    space.remove();
    return "its file system takes no files of other owners";
  } catch (error) {
    ports.signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}

/** The ids of this process: the map as text, the highest id, and whose the id 0 is outside. */
function readIds(): { readonly map: string; readonly highest: number; readonly outside: string } {
  const text = ["uid_map", "gid_map"].map((name) => readFileSync(`/proc/self/${name}`, "utf8"));
  const rows = (text[0] ?? "")
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const ends = rows.map(([first, , count]) => Number(first) + Number(count) - 1);
  return {
    map: text.map((one) => one.trim().replaceAll(/[ \n]+/g, " ")).join("; "),
    highest: Math.min(65_535, Math.max(0, ...ends)),
    outside: rows[0]?.[1] ?? "0",
  };
}
