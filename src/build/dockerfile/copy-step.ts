import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { baseName } from "../../base/path.ts";
import type { CopyAction } from "../../format/dockerfile/evaluate.ts";
import { parseIgnore } from "../../format/dockerfile/ignore.ts";
import { hostFiles } from "../../host/host-files.ts";
import { digestOf } from "../cache/digest.ts";
import type { Stage } from "../stage.ts";
import { requireStage, stageInput } from "../stage-root.ts";
import type { Step, StepInputs } from "../step.ts";
import { findAccount } from "./account.ts";
import { documentItem, fetchItem, isAddress, unpackItem } from "./added-items.ts";
import { isArchive } from "./archive.ts";
import { type CopySource, matchPaths } from "./context.ts";
import { type CopyManner, copyItem, makeParents, type Owner } from "./copy-item.ts";
import { type CopyItem, digestItem, listItem } from "./copy-list.ts";
import { parseModeChange } from "./mode-change.ts";

/** A COPY or ADD as a step, with what it needs from its file. */
export interface CopyInput {
  readonly action: CopyAction;
  readonly title: string;
  readonly line: number;
  readonly context: CopySource;
  /** Name of the stage that `--from` means; undefined: the context. */
  readonly from: string | undefined;
}

export function copyStep(input: CopyInput): Step {
  const { action } = input;
  return {
    title: input.title,
    line: input.line,
    async inputs(stage) {
      const source = await sourceOf(input, stage);
      const out = new Map([
        [
          "target",
          [
            action.target,
            action.owner,
            action.mode,
            action.isAdd,
            action.unpacks,
            action.keepsParents,
          ].join(" "),
        ],
      ]);
      for (const { name, content } of action.documents)
        out.set(`text ${name}`, digestOf(encodeOsText(content)));
      for (const word of action.sources) {
        // What a server has tomorrow is known only when it is pinned.
        if (action.isAdd && isAddress(word)) {
          if (action.checksum === "") return undefined;
          out.set(`file ${word}`, action.checksum);
          continue;
        }
        for (const item of itemsOf(source, word, action)) {
          out.set(`file ${item.path}`, digestItem(item, source.keepsOwners));
        }
      }
      return out;
    },
    ...(input.from === undefined
      ? {}
      : { portableInputs: (stage) => portableCopy(stage, input.from ?? "", action) }),
    run: async (stage) => await copyAll(input, stage),
  };
}

function portableCopy(stage: Stage, from: string, action: CopyAction): StepInputs | undefined {
  const source = stageInput(stage, from);
  return source && new Map([source, ["action", digestOf(encodeOsText(JSON.stringify(action)))]]);
}

async function copyAll(input: CopyInput, stage: Stage): Promise<void> {
  const { action } = input;
  const source = await sourceOf(input, stage);
  const owner = ownerOf(stage.root, action.owner);
  const mode = action.mode === "" ? undefined : parseModeChange(action.mode);
  const tellLost = (path: string): void => {
    stage.ports.talk.warning(`The capabilities of ${path} are lost: they cannot be set here`);
  };
  const manner: CopyManner = { owner, keepsOwners: source.keepsOwners, mode, tellLost };
  const items: { item: CopyItem; manner: CopyManner; unpacked?: boolean }[] = [];
  for (const word of action.sources) {
    if (action.isAdd && isAddress(word)) {
      const item = await fetchItem(word, action, stage);
      const [first] = item.entries;
      if (action.unpacks === true && first !== undefined && isArchive(first.from)) {
        const unpacked = await unpackItem(first.from, stage);
        items.push({ item: unpacked, manner: { ...manner, keepsOwners: true }, unpacked: true });
        continue;
      }
      items.push({
        item,
        manner: { ...manner, keepsOwners: false, mode: mode ?? (() => 0o600) },
      });
      continue;
    }
    for (const item of itemsOf(source, word, action)) {
      const [first] = item.entries;
      if (
        action.isAdd &&
        action.unpacks !== false &&
        first?.stat.isFile() &&
        isArchive(first.from)
      ) {
        const unpacked = await unpackItem(first.from, stage);
        items.push({ item: unpacked, manner: { ...manner, keepsOwners: true }, unpacked: true });
      } else items.push({ item, manner });
    }
  }
  for (const { name, content } of action.documents) {
    items.push({
      item: documentItem(name, content, stage),
      manner: { ...manner, keepsOwners: false },
    });
  }
  const isFolder =
    action.target.endsWith("/") || action.target === "/" || isDirectory(stage.root, action.target);
  if (items.length > 1 && !isFolder && !items.every(({ item }) => item.isDirectory)) {
    throw new Fault(
      "invalid",
      `Cannot copy ${items.length} sources to "${action.target}": it is no directory`,
      {
        hint: "end the target with a slash",
      },
    );
  }
  for (const { item, manner: how, unpacked } of items) {
    const folder = action.target === "/" ? "" : action.target.replace(/\/$/, "");
    const below = action.keepsParents ? parentsOf(item) : "";
    if (item.isDirectory || unpacked === true) {
      const target = below === "" ? folder : `${folder}/${below}/${baseName(item.path)}`;
      makeParents(stage.root, `${target}/`, owner);
      copyItem(item, stage.root, target === "" ? "/" : target, how);
    } else if (isFolder || below !== "") {
      copyItem(
        item,
        stage.root,
        `${folder}/${below === "" ? "" : `${below}/`}${baseName(item.path)}`,
        how,
      );
    } else copyItem(item, stage.root, action.target, how);
  }
}

/** The directories of a source that `--parents` makes again; a part `.` in it begins them. */
function parentsOf({ path }: CopyItem): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "" : path.slice(0, at);
}

async function sourceOf(input: CopyInput, stage: Stage): Promise<CopySource> {
  if (input.from === undefined) return input.context;
  return { root: await requireStage(stage, input.from), patterns: [], keepsOwners: true };
}

/** What a word of the instruction stands for; a Fault when that is nothing. */
function itemsOf(source: CopySource, word: string, action: CopyAction): readonly CopyItem[] {
  const excludes = parseIgnore(action.excludes.join("\n"));
  const items = matchPaths(source, word).flatMap((path) => listItem(source, path, excludes) ?? []);
  // `COPY package.json lock* ./`: a pattern may match nothing, as long as something is copied.
  const isOptional = /[*?[]/.test(word) && action.sources.length + action.documents.length > 1;
  if (items.length > 0 || isOptional) return items;
  const where = source.keepsOwners ? `"${action.from}"` : `the context ${source.root}`;
  throw new Fault("not-found", `Cannot copy "${word}": there is no such file in ${where}`, {
    hint:
      source.patterns.length > 0
        ? "the .dockerignore file may leave it out"
        : "paths begin at the root of the context",
  });
}

function ownerOf(root: string, word: string): Owner | undefined {
  return word === "" ? undefined : findAccount(hostFiles(root), word, true);
}

function isDirectory(root: string, path: string): boolean {
  return resolveIn(hostFiles(root), path).entry?.kind === "dir";
}
