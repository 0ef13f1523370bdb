import { Fault } from "../../base/fault.ts";

/** An image in the archive of `docker save`: names of members of the archive. */
export interface ArchivedImage {
  readonly config: string;
  readonly tags: readonly string[];
  /** Bottom layer first. */
  readonly layers: readonly string[];
}

/** Reads `manifest.json` of such an archive; throws a Fault `invalid` that names the archive. */
export function parseDockerManifest(text: string, where: string): readonly ArchivedImage[] {
  const broken = (why: string): Fault =>
    new Fault("invalid", `Cannot read "manifest.json" of ${where}: ${why}`, {
      hint: "write the archive with `docker save` again",
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw broken("it is not JSON");
  }
  if (!Array.isArray(parsed)) throw broken("it is no list of images");
  return parsed.map((image: unknown) => {
    const object = (typeof image === "object" && image !== null ? image : {}) as Readonly<
      Record<string, unknown>
    >;
    const { Config: config, RepoTags: tags, Layers: layers } = object;
    if (typeof config !== "string" || config === "") throw broken("an image has no configuration");
    if (!isTexts(layers)) throw broken("an image has no list of layers");
    return { config, layers, tags: isTexts(tags) ? tags : [] };
  });
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}

/**
 * Chooses an image of the archive: the only one, or the one that `wanted` names by its tag or as `@N`
 * by its place, counted from 0. Throws a Fault that lists what there is.
 */
export function chooseArchived(
  images: readonly ArchivedImage[],
  wanted: string,
  where: string,
): ArchivedImage {
  const byPlace = /^@([0-9]{1,6})$/.exec(wanted)?.[1];
  const full = fullName(wanted);
  const found =
    byPlace !== undefined
      ? images[Number(byPlace)]
      : wanted === ""
        ? images.length === 1
          ? images[0]
          : undefined
        : images.find(({ tags }) => tags.some((tag) => fullName(tag) === full));
  if (found !== undefined) return found;
  const names = images.map(({ tags }, place) => tags[0] ?? `@${place}`).join(", ");
  if (names === "") throw new Fault("not-found", `Cannot use ${where}: it holds no image`);
  const what = wanted === "" ? "it holds several images" : `it holds no image "${wanted}"`;
  throw new Fault("not-found", `Cannot choose an image of ${where}: ${what}`, {
    hint: `name one of ${names} after a colon`,
  });
}

/** With the parts that may be left out. */
function fullName(name: string): string {
  const tagged = /:[^/]*$/.test(name) ? name : `${name}:latest`;
  const first = tagged.split("/")[0] ?? "";
  const hasHost = tagged.includes("/") && /[.:]|^localhost$/.test(first);
  if (hasHost) return tagged;
  return `docker.io/${tagged.includes("/") ? "" : "library/"}${tagged}`;
}
