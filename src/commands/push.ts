import { statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import { type RemoteAccess, registryOf, type Step } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { statFollow } from "../host/host-files.ts";
import { imageHost } from "../host/image-host.ts";
import { openImageFile } from "../image/image-file.ts";
import { isLayered } from "../image/open.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { LibraryPlace } from "../registry/library/pull.ts";
import { type PushReceipt, pushLibraryImage } from "../registry/library/push.ts";
import type { UploadContent } from "../registry/library/upload-content.ts";
import { pushOrasImage } from "../registry/oras/push.ts";
import type { Context } from "../terminal/context.ts";
import { formatSize } from "../terminal/format-size.ts";
import { openAccess } from "./_remote-access.ts";

const DESCRIPTION = "org.opencontainers.image.description";

/** `push`: sends a SIF to a registry or a library; of an OCI-SIF its layers. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [file = "", word = ""] = inv.args;
  const address = parseImageAddress(word);
  if (address === undefined) {
    throw new Fault("usage", `Cannot push to "${word}": no transport type URI supplied`, {
      exitCode: 255,
      hint: "write an address such as oras://registry.example.org/tools:1.0",
    });
  }
  const { kind } = address;
  if (kind !== "oras" && kind !== "library" && kind !== "docker") {
    throw new Fault(
      "unsupported",
      `Cannot push to "${word}": Unsupported transport type: ${kind}`,
      { hint: "SIFs go to oras:// and library:// addresses, OCI-SIFs to docker:// too" },
    );
  }
  if (inv.bool("with-cosign") && kind === "oras") {
    throw new Fault("usage", "--with-cosign is for OCI-SIFs, which go to docker:// addresses", {
      exitCode: 255,
    });
  }
  const opened = openAccess(inv, ctx);
  try {
    const path = resolvePath(opened.host.cwd ?? "/", file);
    if (statFollow(path) === undefined) {
      throw new Fault(
        "not-found",
        `Cannot push "${file}": unable to open it: no such file, or it cannot be looked at`,
      );
    }
    const image = openImageFile(path, imageHost);
    const { sif, arch = opened.host.arch } = image;
    if (sif === undefined) throw new Fault("invalid", `Cannot push "${file}": it is no SIF`);
    if (address.kind === "docker" || (address.kind === "library" && isLayered(image))) {
      const { pushLayers } = await import("./_push-oci-sif.ts");
      await pushLayers(inv, ctx, opened.access, path, address);
      return 0;
    }
    if (inv.string("layer-format") !== "") {
      ctx.log.warning("--layer-format counts for the layers of OCI-SIFs only. Ignoring it.");
    }
    let step: Step | undefined;
    const hooks = {
      onSend: (sizeBytes: number): void => {
        step = opened.access.step(`Sending ${file} to ${word}`, sizeBytes);
      },
      onBytes: (done: number): void => step?.update(done),
    };
    try {
      if (address.kind === "library") {
        const place = await libraryFor(address.image.host, opened.access);
        if (place.token === "") {
          throw new Fault(
            "denied",
            "Cannot push image to library: no authentication token, log in with `remote login`",
            inv.string("library") === ""
              ? {}
              : { hint: "the token of the service in use is never shown to another library" },
          );
        }
        await requireSignature(inv, ctx, opened.host, file, path);
        const description = inv.string("description");
        const { http } = opened.access;
        const receipt = await pushLibraryImage({
          http,
          place,
          image: address.image,
          content: contentOf(path),
          arch,
          description,
          ...hooks,
        });
        tellReceipt(ctx, receipt, place.service);
      } else {
        const registry = registryOf(opened.access, address.image.registry);
        const words = annotationsOf(inv, ctx);
        const digest = await pushOrasImage(registry, address.image, path, hooks, words);
        ctx.log.info(`Digest: ${digest}`);
        ctx.log.info("Upload complete");
      }
    } finally {
      step?.finish();
    }
    return 0;
  } finally {
    opened.close();
  }
}

/** The library to send to: a host in the address has to be that of the service in use, which has the log-in. */
async function libraryFor(host: string | undefined, access: RemoteAccess): Promise<LibraryPlace> {
  const named = await access.findLibrary(host);
  if (host === undefined) return named;
  const own = await access.findLibrary(undefined);
  if (new URL(own.base).host === host) return own;
  throw new Fault(
    "denied",
    `Cannot push image to library: push to location other than current remote is not supported: that is ${own.base}`,
    { hint: "the token of the service in use is never shown to another library" },
  );
}

/** What --description and --annotation say about the image; a word without a value says nothing. */
function annotationsOf(inv: Invocation, ctx: Context): Readonly<Record<string, string>> {
  const words: Record<string, string> = {};
  for (const word of inv.strings("annotation")) {
    const at = word.indexOf("=");
    if (at > 0) words[word.slice(0, at)] = word.slice(at + 1);
    else ctx.log.warning(`Value missing for "${word}", not setting`);
  }
  const description = inv.string("description");
  return description === "" ? words : { ...words, [DESCRIPTION]: description };
}

function contentOf(path: string): UploadContent {
  const file = Bun.file(path);
  return { sizeBytes: statSync(path).size, read: (start, end) => file.slice(start, end) };
}

function tellReceipt(ctx: Context, { quota, containerUrl }: PushReceipt, service: string): void {
  if (quota !== undefined) {
    const { usedBytes, totalBytes } = quota;
    const share = `${((100 * usedBytes) / totalBytes).toFixed(1)}% used`;
    const [used, total] = [formatSize(usedBytes), formatSize(totalBytes)];
    const end = totalBytes === 0 ? "unlimited quota" : `${total} quota (${share})`;
    ctx.print(`\nLibrary storage: using ${used} out of ${end}\n`);
  }
  if (containerUrl !== undefined) {
    ctx.print(`Container URL: ${service}/${containerUrl.replace(/^\/+/, "")}\n`);
  }
}

/** Libraries take what is signed, unless the user says otherwise. */
async function requireSignature(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
  file: string,
  path: string,
): Promise<void> {
  if (inv.bool("allow-unsigned")) {
    ctx.log.warning("Skipping container verification");
    return;
  }
  try {
    const { checkSignatures } = await import("./_check-signatures.ts");
    await checkSignatures(path, inv, ctx, host);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(
      "denied",
      `Cannot push "${file}": unable to verify signature: ${cause.message}`,
      {
        cause,
        hint: "sign it, or push it as it is with --allow-unsigned",
      },
    );
  }
}
