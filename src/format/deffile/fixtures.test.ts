import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { checkDefinition } from "./check.ts";
import { formatDefinition } from "./format.ts";
import { definitionJson } from "./json.ts";
import { parseDefinition } from "./parse.ts";
import { renderDefinition } from "./render.ts";
import { headerValue } from "./tree.ts";

const FOLDER = join(import.meta.dir, "../../../test/fixtures/deffiles");

/** Columns `bootstrap` and `sections` of the table in the fixtures' README, by file. */
function readTable(): ReadonlyMap<string, { agents: string; sections: string }> {
  const rows = readFileSync(join(FOLDER, "README.md"), "utf8").matchAll(
    /^\| `([^`]+)` \|[^|]*\|[^|]*\|[^|]*\| ([^|]*) \| ([^|]*) \|/gm,
  );
  return new Map(
    [...rows].map(([, file = "", agents = "", sections = ""]) => [file, { agents, sections }]),
  );
}

const table = readTable();
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".def"));

test("there are 25 files, each with a row", () => {
  expect(files.map((file) => table.has(file))).toEqual(new Array(25).fill(true));
});

test.each(files)(
  "%s parses without a finding, with its agents and sections, and prints back",
  (file) => {
    const bytes = new Uint8Array(readFileSync(join(FOLDER, file)));
    const { definition, diagnostics } = parseDefinition(decodeOsText(bytes));
    expect(diagnostics).toEqual([]);
    expect(checkDefinition(definition)).toEqual([]);
    const agents = definition.stages.map((stage) => headerValue(stage, "bootstrap"));
    expect([...agents].sort().join(", ")).toBe(table.get(file)?.agents ?? "");
    const names = definition.stages.flatMap((stage) =>
      stage.sections.map((section) => section.name),
    );
    const listed = [...new Set(names)].sort().join(", ");
    expect(listed === "" ? "(none)" : listed).toBe(table.get(file)?.sections ?? "");
    expect(encodeOsText(renderDefinition(definition))).toEqual(bytes);
    const again = parseDefinition(formatDefinition(definition)).definition;
    const shape = (of: typeof definition) =>
      definitionJson(of).stages.map((s) => [
        s.header,
        s.files.map((f) => f.transfers.map((t) => [t.source, t.target])),
        s.labels,
        s.sections.map((x) => [x.name, x.arguments, x.app]),
      ]);
    expect(shape(again)).toEqual(shape(definition));
  },
);

/** What programs are given of each file, kept so that a change of it is seen. */
test.each(files)("%s as JSON is what it was", (file) => {
  const { definition } = parseDefinition(
    decodeOsText(new Uint8Array(readFileSync(join(FOLDER, file)))),
  );
  const golden = JSON.parse(readFileSync(join(FOLDER, "golden", `${file}.json`), "utf8"));
  expect(JSON.parse(JSON.stringify(definitionJson(definition)))).toEqual(golden);
});
