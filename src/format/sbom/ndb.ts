/*
 * rpm's own database format "ndb", as SUSE uses it (Packages.db), all numbers little-endian:
 *
 *   0    "RpmP"  version  generation  pages of slots   (4 bytes each, then 16 unused)
 *   32   slots of 16 bytes to the end of these pages (4096 bytes each):
 *        "Slot"  package number  place in blocks of 16 bytes  length in blocks
 *   place * 16   "BlbS"  package number  generation  length of the header, then the header
 */
const HEADER_MAGIC = 0x506d7052;
const SLOT_MAGIC = 0x746f6c53;
const BLOB_MAGIC = 0x53626c42;
const PAGE_BYTES = 4096;

/** The headers in a database; none for bytes that are no such database. */
export function ndbHeaders(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length < 32) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== HEADER_MAGIC) return [];
  const end = Math.min(bytes.length - 15, view.getUint32(12, true) * PAGE_BYTES);
  const out: Uint8Array[] = [];
  for (let at = 32; at < end; at += 16) {
    if (view.getUint32(at, true) !== SLOT_MAGIC || view.getUint32(at + 4, true) === 0) continue;
    const place = view.getUint32(at + 8, true) * 16;
    if (place + 16 > bytes.length || view.getUint32(place, true) !== BLOB_MAGIC) continue;
    const length = view.getUint32(place + 12, true);
    if (place + 16 + length <= bytes.length)
      out.push(bytes.subarray(place + 16, place + 16 + length));
  }
  return out;
}
