import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { imageHost } from "../host/image-host.ts";
import { getcwd } from "../host/process-calls.ts";
import { inspectImage } from "../image/inspect/inspect-image.ts";
import { renderText } from "../image/inspect/render-text.ts";
import type { Context } from "../terminal/context.ts";

/** `run-help`: prints the help text of an image or one of its applications, or that there is none. */
export function run(inv: Invocation, ctx: Context): number {
  const path = resolvePath(getcwd() ?? "/", inv.args[0] ?? "");
  const app = inv.string("app");
  const attributes = inspectImage(
    path,
    imageHost,
    {
      sections: new Set(["helpfile"]),
      listApps: false,
      of: app === "" ? { kind: "image" } : { kind: "app", name: app },
    },
    (text) => ctx.log.warning(text),
  );
  const text = renderText(attributes, { listApps: false, app: app === "" ? undefined : app });
  ctx.print(text === "" ? "No help sections were defined for this image\n" : text);
  return 0;
}
