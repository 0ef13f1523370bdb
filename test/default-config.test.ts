import { expect, test } from "bun:test";
import { defaultConfigText } from "../scripts/generate-config.ts";
import { DIRECTIVES, findDirective } from "../src/config/directives.ts";
import { parseConfig } from "../src/config/load.ts";

test("the default configuration file means the built-in defaults", () => {
  const { values } = parseConfig(defaultConfigText(), "/etc/skiff/skiff.conf");
  for (const [key, row] of Object.entries(DIRECTIVES)) {
    expect([key, values[key as keyof typeof values]]).toEqual([key, row.fallback]);
  }
});

test("each directive of the default file is accepted when its comment sign is taken away", () => {
  const text = defaultConfigText().replace(/^# ([^:\n]+ = \S.*)$/gm, "$1");
  const { values, sources } = parseConfig(text, "/etc/skiff/skiff.conf");
  for (const [key, row] of Object.entries(DIRECTIVES)) {
    expect([key, values[key as keyof typeof values]]).toEqual([key, row.fallback]);
  }
  const plain = Object.values(DIRECTIVES).filter((row) => row.kind === "words");
  expect(plain.filter((row) => sources[row.name] === undefined)).toEqual([]);
  expect(findDirective("mount home")?.fallback).toBe(true);
});
