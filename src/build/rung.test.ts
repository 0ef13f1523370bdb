import { expect, test } from "bun:test";
import { chooseRung, rungMaps } from "./rung.ts";

const range = { first: 100000, count: 65536 };
const HOST = {
  uid: 1000,
  subUids: [range],
  subGids: [range],
  tool: (name: string) => `/bin/${name}`,
};

test.each([
  ["root builds as it is", { ...HOST, uid: 0 }, false, "root"],
  ["sub-ids are taken when there are some", HOST, false, "sub-ids"],
  ["no sub-uids: one id", { ...HOST, subUids: [] }, false, "mapped"],
  ["no sub-gids: one id", { ...HOST, subGids: [] }, false, "mapped"],
  ["no newuidmap: one id", { ...HOST, tool: () => undefined }, false, "mapped"],
  ["--ignore-subuid: one id", HOST, true, "mapped"],
] as const)("%s", (_, host, ignore, kind) => {
  expect(chooseRung(host, ignore).kind).toBe(kind);
});

test("the maps of sub-ids put the caller at 0 and the range behind", () => {
  const rung = chooseRung(HOST, false);
  if (rung.kind === "root") throw new Error("not root");
  expect(rungMaps(rung, 1000, 1001)).toEqual({
    uidMap: "0 1000 1\n1 100000 65536\n",
    gidMap: "0 1001 1\n1 100000 65536\n",
  });
});
