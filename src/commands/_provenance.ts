import { memorySource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import { recordIn } from "../build/record/build-record.ts";
import { VERSIONS } from "../cli/program.ts";
import { DATA_DEFFILE, DATA_JSON } from "../format/sif/codes.ts";
import { descriptorName, groupNumber, type SifDescriptor } from "../format/sif/descriptor.ts";
import { planAdd } from "../format/sif/edit.ts";
import { primaryPartition, readSif } from "../format/sif/image.ts";
import { PROVENANCE_NAME, renderProvenance } from "../format/slsa/provenance.ts";
import { METADATA_NAME } from "../image/inspect/metadata-object.ts";
import { DataDigests } from "../trust/data-digests.ts";
import { isSignature, localSignedImage, readObject } from "../trust/signed-image.ts";
import { changeSif, openForReading } from "./_change-sif.ts";

/**
 * Adds a statement of provenance about the root partition to its group, so that signatures made then
 * cover it. Nothing happens when the image has one. Throws a Fault for an image without a root.
 */
export async function addProvenance(path: string, now: Date): Promise<void> {
  const file = openForReading(path);
  let group: number;
  let text: string;
  try {
    const sif = readSif(file.source);
    const image = localSignedImage(sif, file.source, file.fd);
    const root = primaryPartition(sif);
    if (root === undefined) {
      throw new Fault("invalid", `Cannot describe "${path}": it has no root partition`);
    }
    const named = (name: string): SifDescriptor | undefined =>
      sif.objects.find((o) => o.dataType === DATA_JSON && descriptorName(o) === name);
    if (named(PROVENANCE_NAME) !== undefined) return;
    group = groupNumber(root.group);
    if (sif.objects.some((o) => isSignature(o) && o.link === root.group)) {
      throw new Fault("exists", `Cannot add provenance to "${path}": it is signed already`, {
        hint: "an object more would make the signatures there invalid; sign without --provenance",
      });
    }
    const digests = new DataDigests(image, ["sha256"]);
    const definition = sif.objects.find((o) => o.dataType === DATA_DEFFILE);
    const metadata = named(METADATA_NAME);
    const record =
      metadata === undefined
        ? undefined
        : recordIn(new TextDecoder().decode(await readObject(image, metadata)));
    text = renderProvenance({
      subject: { name: `partition ${root.id}`, sha256: await digests.of(root, "sha256") },
      ...(definition === undefined
        ? {}
        : { definitionSha256: await digests.of(definition, "sha256") }),
      ...(record === undefined ? {} : { record: { ...record } }),
      maker: `skiff ${VERSIONS.skiff}`,
      at: now.toISOString(),
    });
  } finally {
    file.close();
  }
  const bytes = new TextEncoder().encode(text);
  changeSif(path, (sif) => {
    const object = { dataType: DATA_JSON, group, name: PROVENANCE_NAME, sizeBytes: bytes.length };
    const added = planAdd(sif.image, object, BigInt(Math.floor(now.getTime() / 1000)));
    sif.append(added.object.offset, memorySource(bytes));
    sif.write(added.writes);
  });
}
