import { Fault } from "../base/fault.ts";
import { readText } from "../build/read-definition.ts";
import type { Invocation } from "../cli/invocation.ts";
import { formatDiagnostic } from "../format/deffile/diagnostic.ts";
import { formatDefinition } from "../format/deffile/format.ts";
import { definitionJson } from "../format/deffile/json.ts";
import { parseDefinition } from "../format/deffile/parse.ts";
import type { Context } from "../terminal/context.ts";

/** `def format` and `def json`: print a definition file in one layout, or as data. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [file = ""] = inv.args;
  const action = inv.path[1] ?? "";
  if (action !== "format" && action !== "json") {
    throw new Fault("unsupported", `"def ${action}" is not available in this version`, {
      hint: "`def format` and `def json` are",
    });
  }
  const { definition, diagnostics } = parseDefinition(readText(file));
  if (diagnostics.length > 0) {
    const list = diagnostics.map((finding) => formatDiagnostic(file, finding)).join("\n");
    throw new Fault("invalid", `Cannot read the definition file "${file}":\n${list}`);
  }
  const text =
    action === "format"
      ? formatDefinition(definition)
      : `${JSON.stringify(definitionJson(definition), undefined, 2)}\n`;
  ctx.print(text);
  return 0;
}
