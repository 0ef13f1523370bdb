import { renameSync, rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { type RemoteAccess, registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { signatureTag } from "../format/cosign/simple-signing.ts";
import type { ImageAddress } from "../format/oci/image-address.ts";
import type { RegistryReference } from "../format/oci/reference.ts";
import { fetchCosignSignatures, storeCosignSignature } from "../registry/oci/cosign-signatures.ts";
import type { Registry } from "../registry/oci/registry.ts";
import type { Context } from "../terminal/context.ts";
import type { CosignSignature } from "../trust/cosign/check-cosign.ts";
import { openCosigned } from "./_cosigned-image.ts";

/** `push --with-cosign`: sends the signatures in an OCI-SIF that the registry lacks. */
export async function sendCosign(
  path: string,
  inv: Invocation,
  ctx: Context,
  access: RemoteAccess,
  to: { readonly registry: Registry; readonly image: RegistryReference },
): Promise<void> {
  const file = await openCosigned(path, inv, ctx);
  try {
    const { digest } = file;
    const { registry, image } = to;
    const { repository } = image;
    const there = await fetchCosignSignatures(registry, access.http, repository, digest);
    const missing = (await file.signatures()).filter(
      (one) => !there.some((other) => isSame(one, other)),
    );
    ctx.log.info(
      `Writing cosign signatures: ${image.registry}/${repository}:${signatureTag(digest)}`,
    );
    for (const one of missing) await storeCosignSignature(registry, repository, digest, one);
  } finally {
    file.close();
  }
}

/**
 * `pull --oci --with-cosign`: puts the signatures that the registry has into an OCI-SIF that stands at
 * `staged`, then gives that its name. Throws a Fault when the image is not the one that was signed.
 */
export async function takeCosign(
  staged: string,
  target: string,
  address: ImageAddress,
  inv: Invocation,
  ctx: Context,
  access: RemoteAccess,
): Promise<void> {
  try {
    if (address.kind !== "docker") {
      throw new Fault("usage", `Cannot fetch cosign signatures of "${address.text}"`, {
        exitCode: 255,
        hint: "--with-cosign is for docker:// addresses",
      });
    }
    const { image } = address;
    const registry = registryOf(access, image.registry);
    const file = await openCosigned(staged, inv, ctx);
    try {
      const { digest } = file;
      const found = await fetchCosignSignatures(registry, access.http, image.repository, digest);
      if (found.length === 0) {
        throw new Fault(
          "denied",
          `Cannot pull ${address.text} with its cosign signatures: there are none of ${digest}`,
          {
            hint: "layers that are archives are converted, and the image is another then: pull without --with-cosign, or with --cosign-key",
          },
        );
      }
      ctx.log.info(`Writing cosign signatures: _cosign:${signatureTag(digest)}`);
      for (const one of found) await file.add(one);
    } finally {
      file.close();
    }
    renameSync(staged, target);
  } finally {
    rmSync(staged, { force: true });
  }
}

function isSame(one: CosignSignature, other: CosignSignature): boolean {
  const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
  return isEqual(one.signature, other.signature) && isEqual(one.payload, other.payload);
}
