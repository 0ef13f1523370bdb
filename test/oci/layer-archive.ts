import { NO_XATTRS, storedBytes, type TarEntry } from "../../src/format/tar/tar-entry.ts";
import { paddingOf } from "../../src/format/tar/tar-reader.ts";
import { encodeTarHeader, TAR_END } from "../../src/format/tar/tar-writer.ts";

/** An entry of a layer under test: what is left out is root's, mode 0644 or 0755, of 2001. */
export type LayerEntry = Partial<Omit<TarEntry, "sizeBytes">> &
  Pick<TarEntry, "path"> & { readonly content?: string | Uint8Array };

export const LAYER_TIME = 1_000_000_000;

/** A tar archive of entries. */
export function layerArchive(entries: readonly LayerEntry[]): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  for (const given of entries) {
    const { content = "", ...fields } = given;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const kind = fields.kind ?? "file";
    const parts = fields.sparse ?? [];
    const last = parts.at(-1);
    const entry: TarEntry = {
      kind,
      link: "",
      mode: kind === "dir" ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: LAYER_TIME,
      sizeBytes: last === undefined ? bytes.length : last.offset + last.length + 100,
      major: 0,
      minor: 0,
      xattrs: NO_XATTRS,
      sparse: undefined,
      ...fields,
    };
    if (kind === "file" && storedBytes(entry) !== bytes.length) throw new Error("wrong length");
    pieces.push(encodeTarHeader(entry), bytes, new Uint8Array(paddingOf(bytes.length)));
  }
  return Uint8Array.from(Buffer.concat([...pieces, TAR_END]));
}
