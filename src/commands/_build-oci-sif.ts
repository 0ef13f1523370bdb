import { Fault } from "../base/fault.ts";
import { dirName } from "../base/path.ts";
import { localImage } from "../build/remote/local-image.ts";
import type { BuildSource } from "../build/source.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { copyImage } from "../image/cache/image-store.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

const KINDS: readonly string[] = [
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
];

/** Whether `build` is to make an OCI-SIF. Throws a Fault for flags that cannot go with it. */
export function asksForOciSif(inv: Invocation): boolean {
  const isOci = asksForOci(inv);
  if (!isOci && inv.bool("keep-layers")) {
    throw new Fault("usage", "--keep-layers is only supported when creating OCI-SIF images", {
      exitCode: 255,
      hint: "add --oci",
    });
  }
  for (const name of ["sandbox", "update", "encrypt", "data"]) {
    if (!isOci || !inv.bool(name)) continue;
    throw new Fault("usage", `--oci and --${name} exclude each other`, { exitCode: 255 });
  }
  return isOci;
}

/**
 * `build --oci` of an image: its layers are converted as `pull --oci` does. Undefined for a Dockerfile,
 * which is built first. Throws a Fault for anything else.
 */
export async function buildOciSif(
  inv: Invocation,
  ctx: Context,
  source: BuildSource,
  target: string,
): Promise<number | undefined> {
  if (source.kind === "dockerfile") {
    if (inv.bool("keep-layers")) {
      ctx.log.warning("Images of Dockerfiles have a single layer: --keep-layers changes nothing");
    }
    return undefined;
  }
  const [, word = ""] = inv.args;
  const address = source.kind === "image" ? parseImageAddress(word) : undefined;
  if (address === undefined || !KINDS.includes(address.kind)) {
    throw new Fault(
      "usage",
      `Cannot build an OCI-SIF from "${word}": When building with --oci the build source must be a Dockerfile`,
      {
        exitCode: 255,
        hint: "or an image of layers, such as docker://, oci: and docker-archive: name; leave --oci out for a SIF",
      },
    );
  }
  const opened = openAccess(inv, ctx);
  try {
    ctx.log.info("Starting build...");
    const access = { ...opened.access, copiedTo: dirName(target) };
    const path = await localImage(address, access);
    await copyImage(path, target, opened.isTemporary ? path : undefined);
  } finally {
    opened.close();
  }
  ctx.log.info(`Build complete: ${inv.args[0] ?? ""}`);
  return 0;
}
