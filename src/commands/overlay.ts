import { Fault } from "../base/fault.ts";
import { dirName, resolvePath } from "../base/path.ts";
import { makeExt3Layer, sourceOf } from "../build/overlay/ext3-layer.ts";
import { layerPaths } from "../build/overlay/layer-paths.ts";
import type { Invocation } from "../cli/invocation.ts";
import { hostFacts } from "../host/facts.ts";
import { getcwd } from "../host/process-calls.ts";
import { close } from "../host/syscall.ts";
import type { HostFacts } from "../plan/facts.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import { namelessFile } from "./_nameless-file.ts";
import { addOciOverlay, syncOciOverlay } from "./_oci-sif-overlay.ts";
import { addOverlay, checkCanTakeOverlay } from "./_overlay-partition.ts";

const MIB = 1024 * 1024;
const LEAST_MIB = 64;
/** The most blocks of 4 KiB that ext3 can count. */
const MOST_MIB = 16 * MIB - 1;

/**
 * `overlay create`: an ext3 overlay in a new file, as a partition of a SIF or a layer of an OCI-SIF;
 * `sync` and `seal` are for the latter.
 */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [word = ""] = inv.args;
  if (inv.path[1] === "sync") {
    const path = resolvePath(getcwd() ?? "/", word);
    if (!syncOciOverlay(path, word)) {
      ctx.log.info("OCI digest matches overlay, no update required.");
    }
    return 0;
  }
  if (inv.path[1] === "seal") {
    const { seal } = await import("./_seal-overlay.ts");
    return await seal(inv, ctx);
  }
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const sizeMiB = inv.int("size");
  if (sizeMiB < LEAST_MIB || sizeMiB > MOST_MIB) {
    throw new Fault("usage", `image size must be equal or greater than ${LEAST_MIB} MiB`, {
      exitCode: 255,
      hint: `choose a --size from ${LEAST_MIB} to ${MOST_MIB}`,
    });
  }
  const dirs = layerPaths(inv.strings("create-dir"));
  const path = resolvePath(host.cwd ?? "/", word);
  const target = checkCanTakeOverlay(path, word, ctx.program);
  // With --oci the caller is root of the namespace that the layers are mounted in.
  const isRoots = inv.bool("fakeroot") || target === "oci-sif";
  const file = namelessFile(dirName(path), `EXT3 overlay image ${word}`);
  try {
    await makeExt3Layer(file.fd, {
      mkfs: tool("mkfs.ext3", host, word),
      debugfs: tool("debugfs", host, word),
      sizeBytes: sizeMiB * MIB,
      sparse: inv.bool("sparse"),
      uid: isRoots ? 0 : host.uid,
      gid: isRoots ? 0 : host.gid,
      dirs,
    });
    if (target === "new") file.nameIt(path);
    else if (target === "oci-sif") {
      addOciOverlay(path, word, sourceOf(file.fd, sizeMiB * MIB), inv.bool("sparse"));
    } else addOverlay(path, word, sourceOf(file.fd, sizeMiB * MIB), inv.bool("sparse"));
  } finally {
    file.drop();
    close(file.fd);
  }
  return 0;
}

function tool(name: string, host: HostFacts, word: string): string {
  const path = host.tool(name);
  if (path !== undefined) return path;
  throw new Fault("missing-tool", `Cannot make the overlay ${word}: ${name} is not installed`, {
    hint: "install the package e2fsprogs",
  });
}
