import { existsSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { listSteps, removeSteps } from "../build/cache/list-steps.ts";
import { removeAsBuilder } from "../build/cache/remove-as-builder.ts";
import type { Invocation } from "../cli/invocation.ts";
import { hostFacts } from "../host/facts.ts";
import { chooseEntries, removeEntry, removeLeftovers } from "../image/cache/clean.ts";
import { CACHE_TYPES, type CacheEntry, listEntries } from "../image/cache/entries.ts";
import { type CachePlaces, IMAGE_FOLDERS } from "../image/cache/places.ts";
import type { HostFacts } from "../plan/facts.ts";
import { askYesNo } from "../terminal/ask.ts";
import type { Context } from "../terminal/context.ts";
import { formatSize } from "../terminal/format-size.ts";
import { ownCache } from "./_user-places.ts";

/** `cache list|clean`: what fetched images take on this machine. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const host = hostFacts({ binaryPath: "$PATH", env: ctx.env });
  const places = ownCache(ctx, host, "");
  const types = checkedTypes(inv.strings("type"));
  const isClean = inv.path[1] === "clean";
  return isClean ? await clean(inv, ctx, places, types, host) : list(inv, ctx, places, types);
}

/** Kinds that --type names here: those of the peer, and what builds keep. */
const TYPES: readonly string[] = [...CACHE_TYPES, "build"];

function allEntries(places: CachePlaces): readonly CacheEntry[] {
  const steps = listSteps(`${places.root}/skiff/build`).map(
    (step): CacheEntry => ({
      ...step,
      kind: "build",
      type: "build",
      reference: `${step.title} of ${step.definition}`,
    }),
  );
  return [...listEntries(places), ...steps];
}

function checkedTypes(words: readonly string[]): readonly string[] {
  const wrong = words.find((word) => word !== "all" && !TYPES.includes(word));
  if (wrong === undefined) return words;
  throw new Fault("usage", `Unknown cache type "${wrong}"`, {
    exitCode: 255,
    hint: `known are ${TYPES.join(", ")} and all`,
  });
}

function list(
  inv: Invocation,
  ctx: Context,
  places: CachePlaces,
  types: readonly string[],
): number {
  // Under another program's name the list has what that one would show.
  const known = ctx.program === "skiff" ? allEntries(places) : listEntries(places);
  const entries = chooseEntries(known, { types }, Date.now());
  if (inv.bool("json")) {
    const rows = entries.map((entry) => ({
      name: entry.name,
      type: entry.type,
      sizeBytes: entry.sizeBytes,
      created: new Date(entry.createdMs).toISOString(),
      lastUsed: new Date(entry.usedMs).toISOString(),
      reference: entry.reference ?? null,
      path: entry.path,
    }));
    ctx.print(`${JSON.stringify({ root: places.root, entries: rows }, undefined, 2)}\n`);
    return 0;
  }
  if (inv.bool("verbose")) {
    // What the reference tool does not show comes behind its columns.
    const isOwn = ctx.program === "skiff";
    const own = (...words: string[]): string => (isOwn ? words.join("  ").trimEnd() : "");
    const head = `TYPE${own("      LAST USED          ", "FROM")}`;
    ctx.print(`${row("NAME", "DATE CREATED", "SIZE", head)}\n`);
    for (const entry of entries) {
      const more = own("", formatTime(entry.usedMs), entry.reference ?? "");
      const type = isOwn ? entry.type.padEnd(8) : entry.type;
      ctx.print(
        `${row(entry.name.slice(0, 22), formatTime(entry.createdMs), formatSize(entry.sizeBytes), `${type}${more}`)}\n`,
      );
    }
    ctx.print("\n");
  }
  const isBlob = ({ kind }: CacheEntry): boolean => kind === "blob" || kind === "partial";
  const steps = entries.filter(({ kind }) => kind === "build");
  const images = entries.filter((entry) => !isBlob(entry) && entry.kind !== "build");
  const blobs = entries.filter(isBlob);
  // Only kinds that were asked for are counted.
  const isAsked = (isKind: (type: string) => boolean): boolean =>
    types.some((type) => type === "all" || isKind(type));
  const counts = [
    ...(isAsked((type) => type !== "blob" && type !== "build")
      ? [`${images.length} container file(s) using ${formatSize(sum(images))}`]
      : []),
    ...(isAsked((type) => type === "blob")
      ? [`${blobs.length} oci blob file(s) using ${formatSize(sum(blobs))}`]
      : []),
  ];
  if (counts.length > 0) ctx.print(`There are ${counts.join(" and ")} of space\n`);
  if (steps.length > 0) {
    ctx.print(`There are ${steps.length} build step(s) using ${formatSize(sum(steps))} of space\n`);
  }
  ctx.print(`Total space used: ${formatSize(sum(entries))}\n`);
  return 0;
}

async function clean(
  inv: Invocation,
  ctx: Context,
  places: CachePlaces,
  types: readonly string[],
  host: HostFacts,
): Promise<number> {
  const isDry = inv.bool("dry-run");
  if (isDry) ctx.print("User requested a dry run. Not actually deleting any data!\n");
  else if (!inv.bool("force")) {
    const all = types.includes("all");
    const what = all
      ? "everything in your cache (containers from all sources and OCI blobs)"
      : `the chosen kinds of entries in your cache: ${types.join(", ")}`;
    ctx.print(
      `This will delete ${what}.\nHint: You can see exactly what would be deleted by canceling and using the --dry-run option.\n`,
    );
    if (!askYesNo("Do you want to continue?", (text) => ctx.print(text))) {
      ctx.log.info("Cleanup canceled");
      return 0;
    }
  }
  const days = inv.int("days");
  const entries = chooseEntries(
    allEntries(places),
    {
      types,
      ...(days > 0 ? { olderThanMs: days * 86_400_000 } : {}),
      ...(inv.isSet("keep") ? { keepBytes: parseSize(inv.string("keep")) } : {}),
      ...(inv.isSet("reference") ? { reference: inv.string("reference") } : {}),
    },
    Date.now(),
  );
  for (const kind of CACHE_TYPES.filter((one) => types.includes("all") || types.includes(one))) {
    const chosen = entries.filter((entry) =>
      kind === "blob" ? ["blob", "partial"].includes(entry.kind) : entry.kind === kind,
    );
    const folder = kind === "blob" ? kind : IMAGE_FOLDERS[kind as keyof typeof IMAGE_FOLDERS];
    if (chosen.length === 0) {
      ctx.log.info(`No cached files to remove at ${places.root}/${folder}`);
    }
    for (const entry of chosen) {
      ctx.log.info(`Removing ${entry.type} cache entry: ${entry.name}`);
      if (!isDry) removeEntry(places, entry);
    }
  }
  const steps = entries.filter(({ kind }) => kind === "build");
  for (const { name, reference } of steps) {
    ctx.log.info(`Removing build cache entry: ${name} (${reference})`);
  }
  const kept = isDry ? [] : await removeBuildSteps(places, steps, host);
  for (const { name } of kept) ctx.log.warning(`Not removed, a build uses it: ${name}`);
  const isWhole = days <= 0 && !inv.isSet("keep") && !inv.isSet("reference");
  if (isWhole && types.some((type) => type === "all" || type === "build")) {
    await removeMounts(`${places.root}/skiff/mounts`, isDry, ctx, host);
  }
  if (!isDry) removeLeftovers(places);
  const bytes = formatSize(sum(entries) - sum(kept));
  if (ctx.program === "skiff") ctx.log.info(`${bytes} ${isDry ? "would be" : "are"} free again`);
  return 0;
}

/** Removes what `RUN --mount=type=cache` keeps: nobody knows how old the parts of it are. */
async function removeMounts(
  folder: string,
  isDry: boolean,
  ctx: Context,
  host: HostFacts,
): Promise<void> {
  if (!existsSync(folder)) return;
  ctx.log.info(`Removing cache mounts of builds: ${folder}`);
  if (!isDry) await removeAsBuilder(folder, host);
}

/** Removes steps that builds keep; gives those that stay because a build uses them. */
async function removeBuildSteps(
  places: CachePlaces,
  steps: readonly CacheEntry[],
  host: HostFacts,
): Promise<readonly CacheEntry[]> {
  const folder = `${places.root}/skiff/build`;
  const paths = new Set(steps.map(({ path }) => path));
  const chosen = listSteps(folder).filter(({ path }) => paths.has(path));
  const gone = await removeSteps(folder, chosen, (path) => removeAsBuilder(path, host));
  const removed = new Set(gone.map(({ path }) => path));
  return steps.filter(({ path }) => !removed.has(path));
}

/** Bytes of `500M`, `20G`, `1.5T` or a plain number; powers of 1024. */
function parseSize(text: string): number {
  const [, number = "", unit = ""] =
    /^([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  if (number === "") {
    throw new Fault("usage", `"${text}" is no size`, {
      exitCode: 255,
      hint: "write a number with K, M, G or T, such as 20G",
    });
  }
  return Number(number) * 1024 ** " KMGT".indexOf(unit === "" ? " " : unit.toUpperCase());
}

function row(name: string, created: string, size: string, type: string): string {
  return `${name.padEnd(24)} ${created.padEnd(22)} ${size.padEnd(16)} ${type}`;
}

function sum(entries: readonly CacheEntry[]): number {
  return entries.reduce((total, entry) => total + entry.sizeBytes, 0);
}

function formatTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
