import { expect, test } from "bun:test";
import { chooseRung, rungMaps, type TryRung } from "./rung.ts";

const range = { first: 100000, count: 65536 };
const HOST = {
  uid: 1000,
  subUids: [range],
  subGids: [range],
  tool: (name: string) => `/bin/${name}`,
};

const works: TryRung = () => Promise.resolve(undefined);

test.each([
  ["root builds as it is", { ...HOST, uid: 0 }, false, "root"],
  ["sub-ids are taken when there are some", HOST, false, "sub-ids"],
  ["no sub-uids: one id", { ...HOST, subUids: [] }, false, "mapped"],
  ["no sub-gids: one id", { ...HOST, subGids: [] }, false, "mapped"],
  ["no newuidmap: one id", { ...HOST, tool: () => undefined }, false, "mapped"],
  ["--ignore-subuid: one id", HOST, true, "mapped"],
] as const)("%s", async (_, host, ignore, kind) => {
  expect((await chooseRung(host, ignore, works)).kind).toBe(kind);
});

test("sub-ids that cannot be mapped: one id, and the reason is told", async () => {
  const attempt: TryRung = (rung) =>
    Promise.resolve(rung.kind === "sub-ids" ? "newuidmap: not allowed" : undefined);
  expect(await chooseRung(HOST, false, attempt)).toEqual({
    kind: "mapped",
    why: "Sub-ids cannot be used (newuidmap: not allowed)",
  });
});

test("without user namespaces nothing is left", async () => {
  expect(await chooseRung(HOST, false, () => Promise.resolve("refused"))).toEqual({
    kind: "refused",
    why: "refused",
  });
});

test("the maps of sub-ids put the caller at 0 and the range behind", async () => {
  const rung = await chooseRung(HOST, false, works);
  if (rung.kind !== "sub-ids") throw new Error("no sub-ids");
  expect(rungMaps(rung, 1000, 1001)).toEqual({
    uidMap: "0 1000 1\n1 100000 65536\n",
    gidMap: "0 1001 1\n1 100000 65536\n",
  });
});
