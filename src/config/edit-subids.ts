import { Fault } from "../base/fault.ts";

/** What `config fakeroot` does to the sub-ids of a user. */
export type SubidAction = "add" | "remove" | "enable" | "disable";

/** Both files with their texts. */
export interface SubidTexts {
  readonly subuid: string;
  readonly subgid: string;
}

const RANGE_COUNT = 65536;
/** The highest range given out; further ones follow downwards, away from those of useradd, which grow upwards. */
const FIRST_RANGE = 4294836224;
/** Below this, ids may belong to accounts. */
const LOWEST_RANGE = 65536;

interface Line {
  readonly text: string;
  readonly disabled: boolean;
  readonly user: string;
  readonly first: number;
  readonly count: number;
}

/**
 * The texts of /etc/subuid and /etc/subgid after one action, `USER:FIRST:COUNT` lines with a "!" in
 * front of disabled ones. A new range has the same ids in both files and is written by number.
 * Comments and lines of others stay. An action whose result is there already changes nothing.
 * Throws a Fault when the user has no range (except to add one), or no ids are left.
 */
export function editSubids(
  texts: SubidTexts,
  action: SubidAction,
  user: { readonly name: string; readonly uid: number },
): SubidTexts {
  const isOwn = (line: Line) => line.user === user.name || line.user === String(user.uid);
  const hasRange = (text: string) =>
    readLines(text).some((line) => isOwn(line) && line.count >= RANGE_COUNT);
  if (action === "add") {
    const first = freeRange([...readLines(texts.subuid), ...readLines(texts.subgid)]);
    const added = `${user.uid}:${first}:${RANGE_COUNT}`;
    const addTo = (text: string) => (hasRange(text) ? text : appendLine(text, added));
    return { subuid: addTo(texts.subuid), subgid: addTo(texts.subgid) };
  }
  if (![texts.subuid, texts.subgid].some((text) => readLines(text).some(isOwn))) {
    throw new Fault("not-found", `no mapping entry found in /etc/subuid for ${user.name}`);
  }
  const change = (text: string) =>
    text
      .split("\n")
      .flatMap((raw) => {
        const line = readLine(raw);
        if (line === undefined || !isOwn(line)) return [raw];
        if (action === "remove") return [];
        return [`${action === "disable" ? "!" : ""}${line.text}`];
      })
      .join("\n");
  return { subuid: change(texts.subuid), subgid: change(texts.subgid) };
}

function freeRange(taken: readonly Line[]): number {
  for (let first = FIRST_RANGE; first >= LOWEST_RANGE; first -= RANGE_COUNT) {
    const isTaken = taken.some(
      (line) => line.first < first + RANGE_COUNT && first < line.first + line.count,
    );
    if (!isTaken) return first;
  }
  throw new Fault("unsupported", "Cannot find a free range of 65536 ids: all are given out");
}

function appendLine(text: string, line: string): string {
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
}

function readLines(text: string): readonly Line[] {
  return text
    .split("\n")
    .map(readLine)
    .filter((line) => line !== undefined);
}

function readLine(raw: string): Line | undefined {
  const [, mark, text, user, first, count] =
    raw.match(/^\s*(!?)(([^:!#\s][^:]*):(\d{1,10}):(\d{1,10}))\s*$/) ?? [];
  if (text === undefined || user === undefined) return undefined;
  return { text, disabled: mark === "!", user, first: Number(first), count: Number(count) };
}
