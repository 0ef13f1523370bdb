import type { CommandSpec, FlagSpec } from "../spec.ts";

const ADD_FLAGS: readonly FlagSpec[] = [
  {
    name: "datatype",
    kind: "int",
    meta: "n",
    help: "kind of object: 1 definition, 2 environment, 3 labels, 4 partition, 5 signature, 6 generic JSON, 7 generic, 8 cryptographic message, 9 SBOM, 10 OCI root index, 11 OCI blob",
  },
  {
    name: "parttype",
    kind: "int",
    meta: "n",
    help: "kind of partition: 1 system, 2 primary system, 3 data, 4 overlay",
  },
  {
    name: "partfs",
    kind: "int",
    meta: "n",
    help: "file system of a partition: 1 SquashFS, 2 ext3, 3 immutable object, 4 raw",
  },
  {
    name: "partarch",
    kind: "int",
    meta: "n",
    help: "architecture of a partition: 1 386, 2 amd64, 3 arm, 4 arm64, 5 ppc64, 6 ppc64le, 7 mips, 8 mipsle, 9 mips64, 10 mips64le, 11 s390x, 12 riscv64",
  },
  {
    name: "signhash",
    kind: "int",
    meta: "n",
    help: "hash of a signature: 1 SHA256, 2 SHA384, 3 SHA512, 4 BLAKE2s-256, 5 BLAKE2b-256",
  },
  {
    name: "signentity",
    kind: "string",
    meta: "fingerprint",
    help: "fingerprint of the signing key",
  },
  {
    name: "sbomformat",
    kind: "string",
    meta: "name",
    values: [
      "cyclonedx-json",
      "cyclonedx-xml",
      "github-json",
      "spdx-json",
      "spdx-rdf",
      "spdx-tag-value",
      "spdx-yaml",
      "syft-json",
    ],
    help: "format of an SBOM",
  },
  { name: "groupid", kind: "uint", meta: "n", help: "group that the object joins" },
  { name: "link", kind: "uint", meta: "n", help: "object or group that it belongs to" },
  {
    name: "alignment",
    kind: "int",
    meta: "n",
    help: "alignment in bytes; 4096 for partitions if not given",
  },
  {
    name: "filename",
    kind: "string",
    meta: "name",
    help: "name kept for the object; that of the file if not given",
  },
];

function onSif(
  name: string,
  summary: string,
  usage: string,
  flags: readonly FlagSpec[] = [],
): CommandSpec {
  const count = usage.split(" ").length;
  const values = usage
    .split(" ")
    .map((word) => (word === "<id>" ? "none" : "file") as "none" | "file");
  const args = { min: count, max: count, usage, values };
  return { name, summary, flags, args, interspersed: true, faults: "usage" };
}

/** sif. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "sif",
    summary: "Look into SIF files and change them",
    description: [
      "A SIF file holds a header, a table of descriptors and the objects they describe. These commands show and change them one by one.",
    ],
    flags: [],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      onSif("header", "Show the header", "<sif>"),
      onSif("list", "List the objects", "<sif>"),
      onSif("info", "Show one object's descriptor", "<id> <sif>"),
      onSif("dump", "Write one object's bytes to standard output", "<id> <sif>"),
      onSif("new", "Make an empty SIF", "<sif>"),
      onSif("add", "Add an object", "<sif> <file>", ADD_FLAGS),
      onSif("del", "Delete an object", "<id> <sif>"),
      onSif("setprim", "Make a system partition the primary one", "<id> <sif>"),
    ],
    examples: [
      { text: "List the objects", command: "sif list tools.sif" },
      { text: "Take the definition out", command: "sif dump 1 tools.sif" },
      { text: "Add a file", command: "sif add --datatype 7 tools.sif notes.txt" },
    ],
  },
];
