import { statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { imageHost } from "../host/image-host.ts";
import { openImageFile } from "../image/image-file.ts";
import { pushOrasImage } from "../registry/oras/push.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `push`: sends a SIF to a registry. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [file = "", word = ""] = inv.args;
  const address = parseImageAddress(word);
  if (address === undefined) {
    throw new Fault("usage", `Cannot push to "${word}": no transport type URI supplied`, {
      exitCode: 255,
      hint: "write an address such as oras://registry.example.org/tools:1.0",
    });
  }
  if (address.kind !== "oras") {
    throw new Fault(
      "unsupported",
      `Cannot push to "${word}": Unsupported transport type: ${address.kind}`,
      { hint: "registries take SIFs at oras:// addresses" },
    );
  }
  const opened = openAccess(inv, ctx);
  try {
    const path = resolvePath(opened.host.cwd ?? "/", file);
    if (statSync(path, { throwIfNoEntry: false }) === undefined) {
      throw new Fault("not-found", `Cannot push "${file}": unable to open it: no such file`);
    }
    if (openImageFile(path, imageHost).format !== "sif") {
      throw new Fault("invalid", `Cannot push "${file}": it is no SIF`);
    }
    if (inv.string("description") !== "") {
      ctx.log.warning("Description is not supported for push to oras. Ignoring it.");
    }
    let step: ReturnType<typeof opened.access.step> | undefined;
    const registry = registryOf(opened.access, address.image.registry);
    try {
      await pushOrasImage(registry, address.image, path, {
        onSend: (sizeBytes) => {
          step = opened.access.step(`Sending ${file} to ${word}`, sizeBytes);
        },
      });
    } finally {
      step?.finish();
    }
    return 0;
  } finally {
    opened.close();
  }
}
