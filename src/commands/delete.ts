import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { wantedPlatform } from "../format/oci/platform.ts";
import { deleteLibraryImage } from "../registry/library/delete.ts";
import { askYesNo } from "../terminal/ask.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `delete`: removes an image from a library. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const word = inv.args[0] ?? "";
  const address = parseImageAddress(word.includes(":/") ? word : `library://${word}`);
  if (address?.kind !== "library") {
    throw new Fault("usage", `Cannot delete "${word}": it is no image of a library`, {
      exitCode: 255,
      hint: "write library://entity/collection/image:tag",
    });
  }
  const opened = openAccess(inv, ctx);
  try {
    const { access } = opened;
    const { arch } = wantedPlatform(access.wish);
    const { path, tags } = address.image;
    const name = `${path}:${tags[0] ?? "latest"} (${arch})`;
    const question = `Are you sure you want to delete ${name}`;
    if (!inv.bool("force") && !askYesNo(question, (text) => ctx.printError(text))) return 0;
    const place = await access.findLibrary(address.image.host);
    const timeoutMs = inv.int("timeout") * 1000;
    await deleteLibraryImage(access.http, place, address.image, arch, timeoutMs);
    ctx.log.info(`Image ${name} deleted.`);
    return 0;
  } finally {
    opened.close();
  }
}
