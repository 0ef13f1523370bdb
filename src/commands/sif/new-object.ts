import { Fault } from "../../base/fault.ts";
import {
  archCode,
  archName,
  DATA_BASE,
  DATA_OCI_BLOB,
  DATA_OCI_ROOT,
  DATA_PARTITION,
  DATA_SBOM,
  DATA_SIGNATURE,
  SBOM_FORMATS,
} from "../../format/sif/codes.ts";
import type { NewObject } from "../../format/sif/edit.ts";
import {
  encodeDigestExtra,
  encodeExtraCodes,
  encodePartitionExtra,
  encodeSignatureExtra,
} from "../../format/sif/extra.ts";

/** Flags of `sif add`, as given; 0 and "" stand for flags that were not. */
export interface AddOptions {
  /** 1 to 11. */
  readonly datatype: number;
  readonly parttype: number;
  readonly partfs: number;
  /** Number of the architecture, 1 and up. */
  readonly partarch: number;
  readonly signhash: number;
  /** Fingerprint in hex. */
  readonly signentity: string;
  readonly sbomformat: string;
  readonly groupid: number;
  /** Object id, or a group with the mask. */
  readonly link: number;
  /** Absent: 4096 for partitions, else none. */
  readonly alignment: number | undefined;
  readonly filename: string;
}

const FINGERPRINT_BYTES = 20;
const UINT32 = 0x100000000;

/**
 * The object that the flags describe. `digest` gives the SHA-256 of its bytes as 64 hex digits and is
 * asked only for OCI objects. Throws a Fault `usage` for flags that are missing or out of range; the
 * words are the peer's.
 */
export function newObject(options: AddOptions, sizeBytes: number, digest: () => string): NewObject {
  const { datatype, groupid, link, alignment, filename } = options;
  if (datatype < 1 || datatype > 11) throw usage("-datatype flag is required with a valid range");
  const isNumber = (value: number): boolean => value >= 0 && value < UINT32;
  if (!isNumber(groupid)) throw usage(`--groupid ${groupid} is not a 32 bit number`);
  if (!isNumber(link)) throw usage(`--link ${link} is not a 32 bit number`);
  const dataType = DATA_BASE + datatype;
  return {
    dataType,
    group: groupid % 0x10000000,
    link,
    sizeBytes,
    extra: extraOf(dataType, options, digest),
    ...(filename === "" ? {} : { name: checkedName(filename) }),
    ...(alignment === undefined ? {} : { alignment }),
  };
}

function extraOf(dataType: number, options: AddOptions, digest: () => string): Uint8Array {
  switch (dataType) {
    case DATA_PARTITION:
      return partitionOf(options);
    case DATA_SIGNATURE:
      return signatureOf(options);
    case DATA_SBOM:
      return sbomOf(options.sbomformat);
    case DATA_OCI_ROOT:
    case DATA_OCI_BLOB:
      return encodeDigestExtra(`sha256:${digest()}`);
    default:
      return new Uint8Array(0);
  }
}

function partitionOf({ partfs, parttype, partarch }: AddOptions): Uint8Array {
  if (partfs === 0 || parttype === 0 || partarch === 0) {
    throw usage("with partition datatype, --partfs, --parttype and --partarch must be passed");
  }
  const arch = archName(String(partarch).padStart(2, "0"));
  const code = arch === "unknown" ? undefined : archCode(arch);
  if (code === undefined) throw usage(`unknown architecture: ${partarch}`);
  return encodePartitionExtra({ fsType: partfs, partType: parttype, arch: code });
}

function signatureOf({ signhash, signentity }: AddOptions): Uint8Array {
  if (!/^([0-9a-fA-F]{2})*$/.test(signentity)) {
    throw usage(`failed to decode signing entity fingerprint: "${signentity}" is not hexadecimal`);
  }
  const fingerprint = Uint8Array.from(signentity.match(/../g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  );
  if (fingerprint.length !== FINGERPRINT_BYTES) {
    throw usage(
      `invalid signing entity fingerprint length: got ${fingerprint.length}, want ${FINGERPRINT_BYTES}`,
    );
  }
  if (signhash < 1 || signhash > 5) throw usage(`invalid hash type: ${signhash}`);
  return encodeSignatureExtra({ hashType: signhash, fingerprint });
}

function sbomOf(format: string): Uint8Array {
  if (format === "") throw usage("with SBOM datatype, --sbomformat must be passed");
  const code = SBOM_FORMATS.indexOf(format) + 1;
  if (code === 0) throw usage(`invalid SBOM format: ${format}`);
  return encodeExtraCodes(code);
}

function checkedName(name: string): string {
  if (new TextEncoder().encode(name).length > 128) {
    throw usage(`name value too large: "${name}" is longer than 128 bytes`);
  }
  return name;
}

function usage(reason: string): Fault {
  return new Fault("usage", reason);
}
