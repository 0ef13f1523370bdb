import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NV_LIST, ROCM_LIST } from "./default-lists.ts";
import { parseGpuList } from "./gpu-list.ts";

test("the lists in etc/ are the built-in ones", () => {
  const etc = `${import.meta.dir}/../../../etc`;
  for (const [name, text] of [
    ["nvliblist.conf", NV_LIST],
    ["rocmliblist.conf", ROCM_LIST],
  ] as const) {
    const list = parseGpuList(text);
    expect(parseGpuList(readFileSync(`${etc}/${name}`, "utf8"))).toEqual(list);
    const words = [...list.libraries, ...list.files, ...list.binaries];
    expect(words.length).toBeGreaterThan(10);
    expect(new Set(words).size).toBe(words.length);
  }
});
