import type { FileEntry, FileView } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { writeOciEnvironment, writeOciRunscript } from "../env/oci-scripts.ts";
import type { ImageFacts, OciRunFacts } from "../facts.ts";
import type { MountList } from "../mounts/mount-list.ts";

export const RUNSCRIPT = "/.singularity.d/runscript";

/** What every built image does last: libraries that the host brings are found. */
const BASE = "/.singularity.d/env/99-base.sh";
const BASE_TEXT =
  '#!/bin/sh\nexport LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs"\n';

/**
 * What the configuration of an OCI image becomes in a container, as in a SIF that was made of it.
 *
 * @param isPure the container is that of an OCI runtime: PATH is what the image says, no more.
 */
export function ociScripts(
  { env, entrypoint, cmd }: OciRunFacts,
  isPure: boolean,
): ReadonlyMap<string, string> {
  // After a script of the former name the default path is appended to PATH.
  const name = isPure ? "10-oci.sh" : "10-docker2singularity.sh";
  return new Map([
    [`/.singularity.d/env/${name}`, writeOciEnvironment(env)],
    [RUNSCRIPT, writeOciRunscript(entrypoint, cmd)],
  ]);
}

/** Shows an OCI-SIF, which has no scripts in its layers, those of its configuration; `isPure` as above. */
export function addOciScripts(list: MountList, image: ImageFacts, isPure: boolean): void {
  if (image.format !== "oci-sif" || image.oci === undefined) return;
  const scripts = [...ociScripts(image.oci, isPure)];
  if (image.tree.lstat(BASE) === undefined) scripts.push([BASE, BASE_TEXT]);
  for (const [path, text] of scripts) {
    const place = list.place(path, { kind: "file", what: path, optional: "files" });
    if (place === undefined) continue;
    const { target } = place;
    list.add(
      {
        kind: "staged-file",
        target,
        content: text,
        mode: 0o755,
        flags: ["nosuid"],
        why: "the configuration of the OCI image",
      },
      oneFile(target, text),
      target,
    );
  }
}

/** A tree with one file in it. */
function oneFile(path: string, text: string): FileView {
  const bytes = encodeOsText(text);
  const entry: FileEntry = {
    ...{ kind: "file", mode: 0o755, uid: 0, gid: 0 },
    ...{ sizeBytes: bytes.length, id: `staged:${path}` },
  };
  return {
    lstat: (at) => (at === path ? entry : undefined),
    list: () => undefined,
    read: (at) => (at === path ? bytes : undefined),
  };
}
