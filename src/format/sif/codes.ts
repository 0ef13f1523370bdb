/** Numbers and names of SIF fields (sif.md sections 4 and 5). */

export const DATA_DEFFILE: number = 0x4001;
export const DATA_ENV: number = 0x4002;
export const DATA_LABELS: number = 0x4003;
export const DATA_PARTITION: number = 0x4004;
export const DATA_SIGNATURE: number = 0x4005;
export const DATA_JSON: number = 0x4006;
export const DATA_GENERIC: number = 0x4007;
export const DATA_CRYPTO: number = 0x4008;
export const DATA_SBOM: number = 0x4009;
export const DATA_OCI_ROOT: number = 0x400a;
export const DATA_OCI_BLOB: number = 0x400b;
/** What is added to a number of `sif add --datatype` (1 to 11). */
export const DATA_BASE: number = 0x4000;

export const FS_SQUASHFS: number = 1;
export const FS_EXT3: number = 2;
export const FS_ARCHIVE: number = 3;
export const FS_RAW: number = 4;
export const FS_ENCRYPTED_SQUASHFS: number = 5;
export const FS_GOCRYPTFS_SQUASHFS: number = 6;

export const PART_SYSTEM: number = 1;
export const PART_PRIMARY: number = 2;
export const PART_DATA: number = 3;
export const PART_OVERLAY: number = 4;

export const HASH_SHA256: number = 1;

const DATA_NAMES: Readonly<Record<number, string>> = {
  [DATA_DEFFILE]: "Def.FILE",
  [DATA_ENV]: "Env.Vars",
  [DATA_LABELS]: "JSON.Labels",
  [DATA_PARTITION]: "FS",
  [DATA_SIGNATURE]: "Signature",
  [DATA_JSON]: "JSON.Generic",
  [DATA_GENERIC]: "Generic/Raw",
  [DATA_CRYPTO]: "Cryptographic Message",
  [DATA_SBOM]: "SBOM",
  [DATA_OCI_ROOT]: "OCI.RootIndex",
  [DATA_OCI_BLOB]: "OCI.Blob",
};

const FS_NAMES: Readonly<Record<number, string>> = {
  [FS_SQUASHFS]: "Squashfs",
  [FS_EXT3]: "Ext3",
  [FS_ARCHIVE]: "Archive",
  [FS_RAW]: "Raw",
  [FS_ENCRYPTED_SQUASHFS]: "Encrypted squashfs",
  [FS_GOCRYPTFS_SQUASHFS]: "Gocryptfs squashfs",
};

const PART_NAMES: Readonly<Record<number, string>> = {
  [PART_SYSTEM]: "System",
  [PART_PRIMARY]: "*System",
  [PART_DATA]: "Data",
  [PART_OVERLAY]: "Overlay",
};

const HASH_NAMES: readonly string[] = [
  "SHA-256",
  "SHA-384",
  "SHA-512",
  "BLAKE2s-256",
  "BLAKE2b-256",
];

const MESSAGE_FORMATS: readonly string[] = ["OpenPGP", "PEM"];
const MESSAGE_TYPES: Readonly<Record<number, string>> = {
  256: "Clear Signature",
  512: "RSA-OAEP",
};

/** GOARCH names in code order, from "00". */
const ARCHES: readonly string[] = [
  "unknown",
  ...["386", "amd64", "arm", "arm64", "ppc64", "ppc64le", "mips"],
  ...["mipsle", "mips64", "mips64le", "s390x", "riscv64", "loong64"],
];

/** SBOM formats in code order, from 1. */
export const SBOM_FORMATS: readonly string[] = [
  ...["cyclonedx-json", "cyclonedx-xml", "github-json", "spdx-json"],
  ...["spdx-rdf", "spdx-tag-value", "spdx-yaml", "syft-json"],
];

/** Name of a data type as `sif list` shows it; "Unknown" for others. */
export function dataTypeName(code: number): string {
  return DATA_NAMES[code] ?? "Unknown";
}

export function fsTypeName(code: number): string {
  return FS_NAMES[code] ?? "Unknown";
}

/** Name of a partition type; the primary system partition is "*System". */
export function partTypeName(code: number): string {
  return PART_NAMES[code] ?? "Unknown";
}

export function hashName(code: number): string {
  return HASH_NAMES[code - 1] ?? "Unknown";
}

export function sbomFormatName(code: number): string {
  return SBOM_FORMATS[code - 1] ?? "unknown";
}

/** Names of the two numbers of a cryptographic message. */
export function messageFormatName(code: number): string {
  return MESSAGE_FORMATS[code - 1] ?? "Unknown";
}

export function messageTypeName(code: number): string {
  return MESSAGE_TYPES[code] ?? "Unknown";
}

/** GOARCH name of a two-digit code; "unknown" for "00" and for codes of no known architecture. */
export function archName(code: string): string {
  return (/^\d\d$/.test(code) ? ARCHES[Number(code)] : undefined) ?? "unknown";
}

/** Two-digit code of a GOARCH name, undefined for names SIF has no code for. */
export function archCode(name: string): string | undefined {
  const at = ARCHES.indexOf(name);
  return at < 0 ? undefined : String(at).padStart(2, "0");
}
