import { Fault } from "../../base/fault.ts";
import { OVERLAY_NOTE } from "../oci/merge/kept-marks.ts";
import type { TarEntry } from "../tar/tar-entry.ts";
import { paddingOf } from "../tar/tar-reader.ts";
import { encodeTarHeader, TAR_END } from "../tar/tar-writer.ts";
import type { PackedFile } from "./packed-file.ts";

const CHUNK_BYTES = 1024 * 1024;
/** By these the kernel's overlay, in both its ways, and fuse-overlayfs mark a directory that hides all below it. */
const OPAQUE = /^(?:(?:trusted|user)\.overlay|user\.fuseoverlayfs)\.opaque$/;
const REDIRECT = /^(?:(?:trusted|user)\.overlay|user\.fuseoverlayfs)\.(?:redirect|metacopy)$/;

/**
 * A layer that the kernel's overlay or fuse-overlayfs wrote or reads, as the tar archive that an OCI layer
 * is: what is gone and directories that hide lower ones become marks in names (OCI image-spec, layer.md).
 *
 * @throws Fault `unsupported` for a directory that was renamed in place, whose content is elsewhere.
 */
export function* layerArchive(files: Iterable<PackedFile>): Generator<Uint8Array> {
  for (const { entry, content } of files) {
    const { path } = entry;
    const cut = path.lastIndexOf("/") + 1;
    // fuse-overlayfs leaves this in directories; it means nothing to others.
    if (path.slice(cut) === ".wh..opq") continue;
    if (entry.kind === "char" && entry.major === 0 && entry.minor === 0) {
      yield encodeTarHeader(mark(entry, `${path.slice(0, cut)}.wh.${path.slice(cut)}`));
      continue;
    }
    const names = [...entry.xattrs.keys()];
    if (names.some((name) => REDIRECT.test(name))) {
      throw new Fault("unsupported", `Cannot use the layer, at "${path}": it was only renamed`, {
        hint: "copy it within the container, and remove the old one",
      });
    }
    const xattrs = new Map([...entry.xattrs].filter(([name]) => !OVERLAY_NOTE.test(name)));
    yield encodeTarHeader({ ...entry, xattrs });
    if (names.some((name) => OPAQUE.test(name))) {
      yield encodeTarHeader(mark(entry, `${path}/.wh..wh..opq`));
    }
    if (content === undefined) continue;
    for (let at = 0; at < content.sizeBytes; at += CHUNK_BYTES) {
      yield content.read(at, Math.min(CHUNK_BYTES, content.sizeBytes - at));
    }
    const padding = paddingOf(content.sizeBytes);
    if (padding > 0) yield new Uint8Array(padding);
  }
  yield TAR_END;
}

function mark(entry: TarEntry, path: string): TarEntry {
  return {
    ...entry,
    kind: "file",
    path,
    mode: 0o644,
    link: "",
    sizeBytes: 0,
    major: 0,
    minor: 0,
    xattrs: new Map(),
  };
}
