import { describe, expect, test } from "bun:test";
import { moduleImports } from "./module-imports.ts";

/** Imports as "kind from", with the attribute when there is one. */
function seen(code: string): string[] {
  return moduleImports(code).map((i) =>
    [i.kind, i.from, ...(i.attribute === undefined ? [] : [i.attribute])].join(" "),
  );
}

describe("moduleImports()", () => {
  test.each([
    ['import "./a.ts";', ["static ./a.ts"]],
    ['import a from "./a.ts";', ["static ./a.ts"]],
    ["import * as a from './a.ts'", ["static ./a.ts"]],
    ['import a, { b as c } from "./a.ts";', ["static ./a.ts"]],
    ['import {\n  a,\n  type B,\n} from "./a.ts";', ["static ./a.ts"]],
    ['import type { A } from "./a.ts";', ["type ./a.ts"]],
    ['import type A from "./a.ts";', ["type ./a.ts"]],
    ['import type from "./a.ts";', ["static ./a.ts"]],
    ['export { a } from "./a.ts";', ["static ./a.ts"]],
    ['export * as b from "./a.ts";', ["static ./a.ts"]],
    ['export type { A } from "./a.ts";', ["type ./a.ts"]],
    ['import a from "./a" with { type: "file" };', ["static ./a file"]],
    ['const a = await import("./a.ts");', ["lazy ./a.ts"]],
    ['type A = import("./a.ts").A;', ["lazy ./a.ts"]],
    ["const a = import(name);", ["lazy "]],
    ['const a = import("./" + name);', ["lazy "]],
    [
      'const a = `x ${await import("./a.ts")} "`; import "./b.ts"',
      ["lazy ./a.ts", "static ./b.ts"],
    ],
    ['const a = x.import("./a.ts");', []],
    ["const here = import.meta.url;", []],
    ['// import "./a.ts"\n/* import "./b.ts" */', []],
    ["const a = 'import \"./a.ts\"';", []],
    ["const a = `import './a.ts'`;", []],
    ['const a = /[/"]/; import "./a.ts";', ["static ./a.ts"]],
    ['const a = b / 2; import "./a.ts"; const c = d / 2;', ["static ./a.ts"]],
    ['export const from = "x";', []],
    ['export type From = "x"; const y = "z";', []],
    ['#!/usr/bin/env bun\nimport "./a.ts";', ["static ./a.ts"]],
  ])("%j", (code, expected) => {
    expect(seen(code)).toEqual(expected);
  });

  test("gives the line that an import begins in", () => {
    const code = 'const a = `\n\n`;\n/*\n*/ import {\n  b,\n} from "./b.ts";\n';
    expect(moduleImports(code).map((i) => i.line)).toEqual([5]);
  });
});
