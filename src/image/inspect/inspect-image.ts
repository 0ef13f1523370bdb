import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { DATA_DEFFILE } from "../../format/sif/codes.ts";
import { descriptorName, type SifDescriptor } from "../../format/sif/descriptor.ts";
import { type ImageFile, openImageFile } from "../image-file.ts";
import type { ImageHost } from "../image-host.ts";
import { openOciSif, wholeTree } from "../ocisif/open-oci-sif.ts";
import { isLayered, openTree } from "../open.ts";
import { type Attributes, NO_ATTRIBUTES, pickSections, type Selection } from "./attributes.ts";
import { decodeMetadata, METADATA_NAME } from "./metadata-object.ts";
import { readTreeAttributes } from "./tree-attributes.ts";

/** A description is text for people: more than this is none. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024;

/**
 * What an image says about itself, as far as it is asked for. A SIF tells by its object
 * `inspect-metadata.json`; where that is missing or broken, and in every other image, the files in
 * the root are read in place: nothing is mounted or started. An image without any such files says
 * nothing. `path` is absolute; `warn` is told of what was passed over. Throws the Fault of an image
 * that cannot be opened or read.
 */
export function inspectImage(
  path: string,
  host: ImageHost,
  selection: Selection,
  warn: (text: string) => void,
): Attributes {
  const file = openImageFile(path, host);
  try {
    const metadata = readMetadata(file, warn);
    if (metadata !== undefined) return select(metadata, selection);
    const attributes = readTreeAttributes(openRoot(file, host), selection, warn);
    // The object is shown as it is, also for an application; the file only for the image.
    const deffile = selection.sections.has("deffile") ? readDeffile(file) : undefined;
    return deffile === undefined ? attributes : { ...attributes, deffile };
  } catch (error) {
    throw withPath(path, error);
  }
}

/**
 * The wanted part of what a SIF's metadata tell. A list of applications carries all that is known of
 * each, as in the reference tool; and one that does not exist says nothing.
 */
function select(metadata: Attributes, { sections, listApps, of }: Selection): Attributes {
  const deffile = sections.has("deffile") ? metadata.deffile : "";
  if (of.kind !== "app") {
    const apps = listApps || of.kind === "all" ? metadata.apps : new Map<never, never>();
    return { ...pickSections(metadata, sections), apps, deffile };
  }
  if (listApps) return { ...NO_ATTRIBUTES, apps: metadata.apps, deffile };
  const app = metadata.apps.get(of.name);
  const hasOwn = [...sections].some((section) => section !== "deffile");
  const apps = app !== undefined && hasOwn ? [[of.name, pickSections(app, sections)] as const] : [];
  return { ...NO_ATTRIBUTES, apps: new Map(apps), deffile };
}

function readMetadata(file: ImageFile, warn: (text: string) => void): Attributes | undefined {
  const object = file.sif?.objects.find((one) => descriptorName(one) === METADATA_NAME);
  if (object === undefined) return undefined;
  try {
    return decodeMetadata(readObject(file, object));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "invalid") throw error;
    const where = `object ${object.id} (${METADATA_NAME}) of "${file.path}"`;
    warn(`Cannot use ${where}: ${error.message}; its root file system is read instead`);
    return undefined;
  }
}

function readDeffile(file: ImageFile): string | undefined {
  const object = file.sif?.objects.find((one) => one.dataType === DATA_DEFFILE);
  return object === undefined ? undefined : decodeOsText(readObject(file, object));
}

function readObject(file: ImageFile, object: SifDescriptor): Uint8Array {
  const { id, offset, sizeBytes } = object;
  if (sizeBytes <= MAX_OBJECT_BYTES) return file.source.read(offset, sizeBytes);
  throw new Fault("invalid", `object ${id} has ${sizeBytes} bytes, too many for a text`, {
    hint: `"sif dump" writes it out`,
  });
}

function openRoot(file: ImageFile, host: ImageHost): FileView {
  if (isLayered(file)) return wholeTree(openOciSif(file, host));
  const { root } = file;
  if (root === undefined) {
    throw new Fault("invalid", `it has neither a root filesystem nor ${METADATA_NAME}`, {
      hint: `"sif list" shows what it holds`,
    });
  }
  if (root.kind === "encrypted-squashfs" || root.kind === "gocryptfs-squashfs") {
    throw new Fault("unsupported", `its root is encrypted and it has no usable ${METADATA_NAME}`, {
      hint: "build it again with a current version, which writes the description beside the root",
    });
  }
  return openTree(file, root, host).tree;
}

/** The same Fault, with the image named. */
function withPath(path: string, error: unknown): unknown {
  if (!(error instanceof Fault) || error.message.includes(path)) return error;
  const reason = error.message.slice(0, 1).toLowerCase() + error.message.slice(1);
  return new Fault(error.code, `Cannot inspect image ${path}: ${reason}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    exitCode: error.exitCode,
    cause: error,
  });
}
