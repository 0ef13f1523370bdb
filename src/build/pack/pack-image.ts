import { appendFileSync, rmSync, statSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { FileEntry, FileView } from "../../base/file-view.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import {
  archCode,
  DATA_CRYPTO,
  DATA_DEFFILE,
  DATA_JSON,
  DATA_PARTITION,
  FS_ENCRYPTED_SQUASHFS,
  FS_GOCRYPTFS_SQUASHFS,
  FS_SQUASHFS,
  PART_PRIMARY,
} from "../../format/sif/codes.ts";
import { encodeExtraCodes, encodePartitionExtra } from "../../format/sif/extra.ts";
import { ZERO_TIME } from "../../format/sif/header.ts";
import { hostFiles } from "../../host/host-files.ts";
import { makeSbom } from "../../image/sbom/make-sbom.ts";
import { withRootDigest } from "../record/recorded-state.ts";
import type { RootEdit } from "../root/edit.ts";
import type { BuildPorts } from "../stage.ts";
import { rootArchitecture } from "./architecture.ts";
import { contentId } from "./content-id.ts";
import { type PackEncryption, packEncrypted, removeEncrypted } from "./encrypted-partition.ts";
import { hashFile } from "./file-hash.ts";
import { finishSif } from "./finish-sif.ts";
import { type PseudoFiles, pseudoFiles } from "./pseudo-files.ts";
import { sbomObject } from "./sbom-object.ts";
import { layoutSif, type SifObject } from "./sif-layout.ts";
import { packSquashfs, type SquashfsInput } from "./squashfs.ts";

/** Form and type of the message with a wrapped key. */
const PEM = 2;
const RSA_OAEP = 0x200;

const ENCRYPTED_FORMS = {
  luks: FS_ENCRYPTED_SQUASHFS,
  gocryptfs: FS_GOCRYPTFS_SQUASHFS,
} as const;

/** SquashFS has 32 bits for times. */
const MAX_TIME = 0xffffffff;

/** Choices about the packed image. */
export interface PackOptions {
  /** Words of `--mksquashfs-args`. */
  readonly extraArguments: readonly string[];
  /** From the configuration; 0 and "" leave it to mksquashfs. */
  readonly processors: number;
  readonly memory: string;
  /** GOARCH name of the host, and the one that was asked for. */
  readonly hostArch: string;
  readonly arch: string;
  /** As the caller gave it, seconds since 1970: then header times and id are zero, as the peer has it. */
  readonly sourceDateEpoch: number | undefined;
  /** The root partition is encrypted with it; absent: it is not. */
  readonly encryption?: PackEncryption;
  /** Version of this program to be named in a list of packages; absent: the image gets no such list. */
  readonly sbomVersion?: string;
}

/** What is packed and where to. */
export interface PackPlace {
  readonly source: string;
  /** Changes that the image shows but the source keeps out of. */
  readonly pseudoEdits: readonly RootEdit[];
  /** Owners that paths have in the image instead of those in the source, `uid:gid`. */
  readonly owners?: ReadonlyMap<string, string>;
  /** No extended attribute of the source comes into the image. */
  readonly dropsAttributes?: boolean;
  /** Existing directory for small files. */
  readonly folder: string;
  /** Where the image is written, on the file system of `target`. */
  readonly image: string;
  readonly target: string;
  /** No time in the image is later; seconds since 1970. */
  readonly latestSeconds: number;
  /** Bytes of all files in the source, for progress; absent: none is shown. */
  readonly sourceBytes?: number;
}

/** A finished image. */
export interface PackedImage {
  readonly sizeBytes: number;
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
}

/** What goes into the image besides the file system. */
export interface PackTexts {
  readonly deffile: string;
  /** Content of `inspect-metadata.json`. */
  readonly inspect: string;
  /** Further JSON objects by name; names sort after `inspect-metadata.json`. */
  readonly objects?: ReadonlyMap<string, string>;
  /** The root as the image shows it. */
  readonly view: FileView;
}

/**
 * Packs a root into a SIF: definition, metadata, SquashFS (reference: sif.md section 8). The image is
 * written under another name and renamed when all of it is on disk. Nothing in it depends on the clock or
 * on chance: the id is made of the content, times are at most `latestSeconds`.
 */
export async function packImage(
  place: PackPlace,
  texts: PackTexts,
  options: PackOptions,
  ports: BuildPorts,
): Promise<PackedImage> {
  ports.talk.info("Creating SIF file...");
  const tool = ports.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const arch = imageArchitecture(texts.view, options, ports);
  const temporary = place.image;
  const front = [
    { dataType: DATA_DEFFILE, name: "", bytes: encodeOsText(texts.deffile) },
    { dataType: DATA_JSON, name: "inspect-metadata.json", bytes: encodeOsText(texts.inspect) },
    ...[...(texts.objects ?? [])].map(([name, text]) => ({
      dataType: DATA_JSON,
      name,
      bytes: encodeOsText(text),
    })),
  ].filter((object) => object.bytes.length > 0);
  const { encryption, sbomVersion } = options;
  const message = encodeOsText(encryption?.message ?? "");
  const extra = encodePartitionExtra({
    fsType: encryption === undefined ? FS_SQUASHFS : ENCRYPTED_FORMS[encryption.form],
    partType: PART_PRIMARY,
    arch: archCode(arch) ?? "00",
  });
  let sbom: Uint8Array | undefined;
  const objectsWith = (sizeBytes: number): readonly SifObject[] => [
    ...front.map(({ dataType, name, bytes }) => ({
      dataType,
      name,
      sizeBytes: bytes.length,
      extra: new Uint8Array(0),
    })),
    { dataType: DATA_PARTITION, name: "", sizeBytes, extra },
    ...(message.length === 0
      ? []
      : [
          {
            dataType: DATA_CRYPTO,
            name: "",
            sizeBytes: message.length,
            extra: encodeExtraCodes(PEM, RSA_OAEP),
            link: front.length + 1,
          },
        ]),
    ...(sbom === undefined ? [] : [sbomObject(sbom)]),
  ];
  const latest = Math.max(0, Math.min(place.latestSeconds, MAX_TIME));
  const time = options.sourceDateEpoch === undefined ? BigInt(latest) : ZERO_TIME;
  const noId = new Uint8Array(16);
  const partitionOffset = layoutSif(objectsWith(0), noId, time).offsets[front.length] ?? 0;
  try {
    // The file system is written where it will lie, so that it is written once only.
    const input: SquashfsInput = {
      tool,
      source: place.source,
      target: temporary,
      offsetBytes: partitionOffset,
      folder: place.folder,
      pseudo: pseudoOf(place),
      allRoot: process.getuid?.() !== 0,
      dropsAttributes: place.dropsAttributes === true,
      processors: options.processors,
      memory: options.memory,
      extraArguments: options.extraArguments,
      latestSeconds: latest,
      ...(place.sourceBytes === undefined ? {} : { sourceBytes: place.sourceBytes }),
      ports,
    };
    if (encryption === undefined) await packSquashfs(input);
    else await packEncrypted(input, encryption, `${temporary}.work`, ports);
    const partitionBytes = statSync(temporary).size - partitionOffset;
    const rootHash = new Bun.CryptoHasher("sha256");
    await hashFile(temporary, partitionOffset, rootHash, ports.signal);
    const root = rootHash.digest("hex");
    const texted = front.map(({ bytes }) =>
      encodeOsText(withRootDigest(decodeOsText(bytes), root)),
    );
    appendFileSync(temporary, message);
    if (sbomVersion !== undefined) {
      sbom = encodeOsText(await makeSbom(texts.view, latest, sbomVersion));
      // Behind the file system, so that the other objects are where they are without it.
      appendFileSync(temporary, sbom);
    }
    const id =
      options.sourceDateEpoch === undefined
        ? await contentId(
            temporary,
            partitionOffset + partitionBytes,
            [...texted, root],
            ports.signal,
          )
        : noId;
    const layout = layoutSif(objectsWith(partitionBytes), id, time);
    const start = new Uint8Array(partitionOffset);
    start.set(layout.head);
    for (const [i, bytes] of texted.entries()) start.set(bytes, layout.offsets[i] ?? 0);
    const hash = new Bun.CryptoHasher("sha256").update(start);
    await hashFile(temporary, partitionOffset, hash, ports.signal);
    finishSif(temporary, [{ offset: 0, bytes: start }], place.target);
    return { sizeBytes: statSync(place.target).size, digest: hash.digest("hex") };
  } catch (cause) {
    if (cause instanceof Fault || ports.signal.aborted) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `while creating SIF: Cannot write "${place.target}": ${reason}`, {
      cause,
    });
  } finally {
    rmSync(temporary, { force: true });
    if (encryption !== undefined) removeEncrypted(`${temporary}.work`);
  }
}

/** What the image shows otherwise than the source: edits, and owners that could not be given there. */
export function pseudoOf(
  place: Pick<PackPlace, "source" | "pseudoEdits" | "owners" | "folder">,
): PseudoFiles | undefined {
  const before = hostFiles(place.source);
  const owners = new Map<string, FileEntry>();
  for (const [path, ids] of place.owners ?? []) {
    const entry = before.lstat(path);
    const [uid = 0, gid = 0] = ids.split(":").map(Number);
    // mksquashfs takes a definition a line.
    if (path.includes("\n")) continue;
    if (entry !== undefined && entry.kind !== "symlink") owners.set(path, { ...entry, uid, gid });
  }
  const given = [...owners].map(([path, { mode }]) => ({ kind: "mode", path, mode }) as const);
  if (place.pseudoEdits.length + given.length === 0) return undefined;
  const entryOf = (path: string): FileEntry | undefined => owners.get(path) ?? before.lstat(path);
  return pseudoFiles([...given, ...place.pseudoEdits], `${place.folder}/content`, entryOf);
}

/** The architecture of the root's programs counts, whatever was asked for. */
function imageArchitecture(view: FileView, options: PackOptions, ports: BuildPorts): string {
  const found = rootArchitecture(view);
  if (found === undefined) ports.talk.info("Architecture not recognized, use native");
  const arch = found ?? options.hostArch;
  if (arch !== options.arch) {
    ports.talk.warning(`Architecture ${arch} does not match build arch ${options.arch}`);
  }
  return arch;
}
