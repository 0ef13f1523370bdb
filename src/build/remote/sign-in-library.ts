import { closeSync, openSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import { readSif } from "../../format/sif/image.ts";
import { descriptorSource } from "../../host/open-file.ts";
import { openLibraryImage } from "../../registry/library/pull.ts";
import { pushLibraryImage, type UploadContent } from "../../registry/library/push.ts";
import type { ImageSigner } from "../../trust/sign/signature-object.ts";
import type { SignChoice } from "../../trust/sign/signed-text.ts";
import { localSignedImage } from "../../trust/signed-image.ts";
import type { RemoteAccess } from "./access.ts";
import { applied, type SignedChange, signChange } from "./signed-change.ts";

/**
 * Signs a SIF in a library. A library takes whole images, and wants to know their digests first
 * (library-api.md sections 6 and 7): so the image is fetched once, or not at all when the cache has it,
 * and the signed one is sent as it is put together. The tag is set when the library has all of it.
 */
export async function signInLibrary(
  address: ImageAddress & { readonly kind: "library" },
  signer: ImageSigner,
  choice: SignChoice,
  access: RemoteAccess,
): Promise<void> {
  const { image, text } = address;
  const [tag = "latest", ...more] = image.tags;
  if (more.length > 0 || tag.startsWith("sha256.")) {
    throw new Fault("unsupported", `Cannot sign "${text}" where it lies`, {
      hint: "give one tag: the signed image has another digest, and gets the tag",
    });
  }
  const { http, places, talk } = access;
  const place = await access.findLibrary(image.host);
  const { arch } = wantedPlatform(access.wish);
  const parts = { partBytes: access.partBytes, concurrency: access.concurrency };
  const hooks = { note: (line: string) => talk.info(line), signal: access.signal };
  const found = await openLibraryImage({ http, place, image, text, arch, places, parts, hooks });
  talk.info(
    found.isCached
      ? "The library takes whole images: the one in the cache is signed and sent"
      : "The library takes whole images: this one is fetched, signed and sent",
  );
  const path = await found.fetch();
  const fd = openSync(path, "r");
  try {
    const { sizeBytes } = found;
    const source = descriptorSource(fd, path, sizeBytes);
    const signed = localSignedImage(readSif(source), source, fd);
    const change = await signChange(signed, sizeBytes, signer, choice, text);
    const content = contentOf(path, change);
    const { description } = found;
    const step = access.step(`Sending ${text}`, content.sizeBytes);
    try {
      const onBytes = (done: number): void => step.update(done);
      const target = { ...image, tags: [tag] };
      await pushLibraryImage({ http, place, image: target, content, arch, description, onBytes });
    } finally {
      step.finish();
    }
  } finally {
    closeSync(fd);
  }
}

/** The signed image, put together of the old one and what changes as it is asked for. */
function contentOf(path: string, { added, oldEnd, writes }: SignedChange): UploadContent {
  const file = Bun.file(path);
  const tail = new Uint8Array(Buffer.concat(added));
  return {
    sizeBytes: oldEnd + tail.length,
    async slice(start, end) {
      const old = await file.slice(Math.min(start, oldEnd), Math.min(end, oldEnd)).bytes();
      const rest = tail.subarray(Math.max(start - oldEnd, 0), Math.max(end - oldEnd, 0));
      return new Blob([applied(old, start, writes), rest]);
    },
  };
}
