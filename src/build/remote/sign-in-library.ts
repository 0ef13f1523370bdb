import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import { openLibraryImage } from "../../registry/library/pull.ts";
import { pushLibraryImage } from "../../registry/library/push.ts";
import type { UploadContent } from "../../registry/library/upload-content.ts";
import type { ImageSigner } from "../../trust/sign/signature-object.ts";
import type { SignChoice } from "../../trust/sign/signed-text.ts";
import type { RemoteAccess } from "./access.ts";
import { signWhileReading } from "./sign-while-reading.ts";
import { newBytes, type SignedChange } from "./signed-change.ts";
import { openSignedImage, type RangedSif } from "./signed-image.ts";

/**
 * Signs a SIF in a library. A library takes whole images, and wants to know their digests first
 * (library-api.md sections 6 and 7): so the image is read twice, and what the second reading gives goes
 * back to the library with the signatures. Nothing is stored here. The tag is set when the library
 * has all of it.
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
  talk.info("The library takes whole images: this one is read there, and sent to it signed");
  const source = found.isCached ? fileRanges(await found.fetch(), found.sizeBytes) : found;
  const signed = await openSignedImage(source);
  const { sizeBytes, description } = found;
  const now = BigInt(Math.floor(Date.now() / 1000));
  const order = { image: signed, sizeBytes, signer, choice, text, now };
  const reading = access.step(`Reading ${text}`, sizeBytes);
  const { change, digests } = await signWhileReading(order, found.sha256, (done) =>
    reading.update(done),
  ).finally(() => reading.finish());
  const content = {
    ...contentOf(source, change),
    ...(digests === undefined ? {} : { digests }),
  };
  const sending = access.step(`Sending ${text}`, content.sizeBytes);
  try {
    const onBytes = (done: number): void => sending.update(done);
    const target = { ...image, tags: [tag] };
    await pushLibraryImage({ http, place, image: target, content, arch, description, onBytes });
  } finally {
    sending.finish();
  }
}

/** The image in the cache. */
function fileRanges(path: string, sizeBytes: number): RangedSif {
  const file = Bun.file(path);
  return {
    sizeBytes,
    range: (offset, end) => file.slice(offset, end).stream(),
  };
}

/** The signed image, put together of the old one and what changes as it is asked for. */
function contentOf(source: RangedSif, change: SignedChange): UploadContent {
  const { added, oldEnd } = change;
  const tail = new Uint8Array(Buffer.concat(added));
  return {
    sizeBytes: oldEnd + tail.length,
    async *read(start, end) {
      let at = start;
      if (start < oldEnd) {
        for await (const piece of source.range(start, Math.min(end, oldEnd))) {
          yield newBytes(piece, at, change);
          at += piece.length;
        }
      }
      if (end > oldEnd) yield tail.subarray(Math.max(start - oldEnd, 0), end - oldEnd);
    },
  };
}
