import {
  archName,
  DATA_CRYPTO,
  DATA_OCI_BLOB,
  DATA_OCI_ROOT,
  DATA_PARTITION,
  DATA_SBOM,
  DATA_SIGNATURE,
  dataTypeName,
  fsTypeName,
  hashName,
  messageFormatName,
  messageTypeName,
  partTypeName,
  sbomFormatName,
} from "../../format/sif/codes.ts";
import {
  descriptorName,
  groupNumber,
  isGroupLink,
  type SifDescriptor,
} from "../../format/sif/descriptor.ts";
import { digestExtra, extraCodes, partitionExtra, signatureExtra } from "../../format/sif/extra.ts";
import { type SifHeader, ZERO_TIME } from "../../format/sif/header.ts";
import type { SifImage } from "../../format/sif/image.ts";

/*
 * What `sif header`, `list` and `info` print: the peer's layout, label for label, since scripts cut
 * columns out of it.
 */

type Row = readonly [label: string, value: string];

/** Text of `sif header`. Architecture, id and times are left out where the image has none. */
export function showHeader(header: SifHeader): string {
  const rows: Row[] = [];
  const launch = textUpToNul(header.launch).trimEnd();
  if (launch !== "") rows.push(["Launch Script", launch]);
  rows.push(["Version", "01"]);
  const arch = archName(header.arch);
  if (arch !== "unknown") rows.push(["Primary Architecture", arch]);
  if (header.uuid.some((b) => b !== 0)) rows.push(["ID", uuidText(header.uuid)]);
  rows.push(...timeRows(header));
  rows.push(["Descriptors Free", String(header.descriptorsFree)]);
  rows.push(["Descriptors Total", String(header.descriptorsTotal)]);
  rows.push(["Descriptors Offset", String(header.tableOffset)]);
  rows.push(["Descriptors Size", sizeText(header.tableBytes)]);
  rows.push(["Data Offset", String(header.dataOffset)]);
  rows.push(["Data Size", sizeText(header.dataBytes)]);
  return alignRows(rows, "", 1);
}

const RULE = "-".repeat(78);

/** Text of `sif list`: one line an object, in table order. */
export function showList(image: SifImage): string {
  const lines = [RULE, "ID   |GROUP   |LINK    |SIF POSITION (start-end)  |TYPE", RULE];
  for (const object of image.objects) {
    const range = `${object.offset}-${object.offset + object.sizeBytes}`;
    const cells = [
      String(object.id).padEnd(4),
      groupText(object.group).padEnd(7),
      linkText(object.link, 4).padEnd(7),
      range.padEnd(25),
    ];
    lines.push(`${cells.join(" |")} |${typeText(object)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Text of `sif info`: everything a descriptor tells. */
export function showObject(object: SifDescriptor): string {
  const rows: Row[] = [
    ["Data Type", dataTypeName(object.dataType)],
    ["ID", String(object.id)],
    ["Group ID", groupText(object.group)],
    ["Linked ID", linkText(object.link, 2)],
    ["Offset", String(object.offset)],
    ["Size", String(object.sizeBytes)],
    ...timeRows(object),
  ];
  const name = descriptorName(object);
  if (name !== "") rows.push(["Name", name]);
  rows.push(...extraRows(object));
  return alignRows(rows, "  ", 2);
}

function extraRows(object: SifDescriptor): Row[] {
  const [first, second] = extraCodes(object);
  switch (object.dataType) {
    case DATA_PARTITION: {
      const extra = partitionExtra(object);
      return extra === undefined
        ? []
        : [
            ["Filesystem Type", fsTypeName(extra.fsType)],
            ["Partition Type", partTypeName(extra.partType)],
            ["Architecture", archName(extra.arch)],
          ];
    }
    case DATA_SIGNATURE: {
      const { hashType, fingerprint } = signatureExtra(object);
      const rows: Row[] = [["Hash Type", hashName(hashType)]];
      if (fingerprint.some((b) => b !== 0)) rows.push(["Entity", hexText(fingerprint)]);
      return rows;
    }
    case DATA_CRYPTO:
      return [
        ["Format Type", messageFormatName(first)],
        ["Message Type", messageTypeName(second)],
      ];
    case DATA_SBOM:
      return [["Format", sbomFormatName(first)]];
    case DATA_OCI_ROOT:
    case DATA_OCI_BLOB:
      return [["Digest", digestExtra(object)]];
    default:
      return [];
  }
}

function typeText(object: SifDescriptor): string {
  const name = dataTypeName(object.dataType);
  const [first, second] = extraCodes(object);
  switch (object.dataType) {
    case DATA_PARTITION: {
      const extra = partitionExtra(object);
      if (extra === undefined) return name;
      const words = [fsTypeName(extra.fsType), partTypeName(extra.partType), archName(extra.arch)];
      return `${name} (${words.join("/")})`;
    }
    case DATA_SIGNATURE:
      return `${name} (${hashName(first)})`;
    case DATA_CRYPTO:
      return `${name} (${messageFormatName(first)}/${messageTypeName(second)})`;
    case DATA_SBOM:
      return `${name} (${sbomFormatName(first)})`;
    default:
      return name;
  }
}

function groupText(group: number): string {
  const number = groupNumber(group);
  return number === 0 ? "NONE" : String(number);
}

/** `width`: columns of the number before the mark of a group link. */
function linkText(link: number, width: number): string {
  if (isGroupLink(link)) return `${String(groupNumber(link)).padEnd(width)}(G)`;
  return link === 0 ? "NONE" : String(link);
}

function timeRows(times: Pick<SifHeader, "createdAt" | "modifiedAt">): Row[] {
  const rows: Row[] = [];
  if (times.createdAt !== ZERO_TIME) rows.push(["Created At", timeText(times.createdAt)]);
  if (times.modifiedAt !== ZERO_TIME) rows.push(["Modified At", timeText(times.modifiedAt)]);
  return rows;
}

/** `2026-11-22 18:14:07 +0000 UTC`; seconds beyond what a date can hold are shown as a number. */
function timeText(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  return `${date
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "")} +0000 UTC`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Whole number of the largest unit that fits, rounded. */
function sizeText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Math.round(value)} ${UNITS[unit]}`;
}

function alignRows(rows: readonly Row[], indent: string, gap: number): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + 1 + gap;
  return rows
    .map(([label, value]) => `${indent}${`${label}:`.padEnd(width)}${visible(value)}\n`)
    .join("");
}

/** Control characters of a hostile image must not reach the terminal. */
function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => {
    return `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

function uuidText(uuid: Uint8Array): string {
  return hexText(uuid)
    .toLowerCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

function textUpToNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
}
