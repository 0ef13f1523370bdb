import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { imageHost } from "../host/image-host.ts";
import { getcwd } from "../host/process-calls.ts";
import { openImageFile } from "../image/image-file.ts";
import {
  type Attributes,
  SECTIONS,
  type Section,
  type Selection,
} from "../image/inspect/attributes.ts";
import { inspectImage } from "../image/inspect/inspect-image.ts";
import { renderJson } from "../image/inspect/render-json.ts";
import { renderText } from "../image/inspect/render-text.ts";
import { isLayered } from "../image/open.ts";
import type { Context } from "../terminal/context.ts";

/** `inspect`: prints what an image says about itself. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const path = resolvePath(getcwd() ?? "/", inv.args[0] ?? "");
  if (inv.bool("sbom")) {
    const { imageSbom } = await import("../image/sbom/image-sbom.ts");
    ctx.print(await imageSbom(path, imageHost, VERSIONS.skiff));
    return 0;
  }
  const selection = selectionOf(inv);
  const attributes = await attributesOf(path, selection, ctx);
  if (inv.bool("json") || selection.of.kind === "all") {
    ctx.print(renderJson(attributes));
    return 0;
  }
  const app = selection.of.kind === "app" ? selection.of.name : undefined;
  ctx.print(renderText(attributes, { listApps: selection.listApps, app }));
  return 0;
}

async function attributesOf(path: string, selection: Selection, ctx: Context): Promise<Attributes> {
  const file = openImageFile(path, imageHost);
  if (!isLayered(file)) {
    return inspectImage(path, imageHost, selection, (text) => ctx.log.warning(text));
  }
  const { inspectOciSif } = await import("./_inspect-oci-sif.ts");
  return inspectOciSif(file, selection);
}

function selectionOf(inv: Invocation): Selection {
  if (inv.bool("all")) {
    return { sections: new Set(SECTIONS), listApps: true, of: { kind: "all" } };
  }
  const listApps = inv.bool("list-apps");
  const asked = SECTIONS.filter((section) => inv.bool(section));
  const sections: readonly Section[] = asked.length === 0 && !listApps ? ["labels"] : asked;
  const app = inv.string("app");
  const of = app === "" ? ({ kind: "image" } as const) : ({ kind: "app", name: app } as const);
  return { sections: new Set(sections), listApps, of };
}
