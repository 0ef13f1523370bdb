import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import type { BundleProgram } from "./bundle-spec.ts";

/** The part of an OCI image's configuration that says what to run; as in `oci-config.json` of a SIF. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly User?: string;
}

/**
 * What a bundle of an image runs: what its OCI configuration says, else its runscript through the
 * `run` action. A user name that the image does not know is root.
 */
export function imageProgram(config: ImageConfig | undefined, tree: FileView): BundleProgram {
  const words = [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])];
  const [user = "", group] = (config?.User ?? "").split(":");
  const account = accountOf(user, tree);
  return {
    args: words.length === 0 ? ["/.singularity.d/actions/run"] : words,
    env: config?.Env ?? [],
    cwd: config?.WorkingDir?.startsWith("/") === true ? config.WorkingDir : "/",
    uid: account?.uid ?? 0,
    gid: (group === undefined ? account?.gid : groupOf(group, tree)) ?? 0,
  };
}

/** Who a name or number is in a tree; a number stands for itself. Undefined for a name that it does not know. */
export function accountOf(
  word: string,
  tree: FileView,
): { readonly uid: number; readonly gid: number; readonly home: string } | undefined {
  const fields = lineOf(word, "/etc/passwd", tree);
  const isNumber = /^\d+$/.test(word);
  if (fields === undefined && !isNumber) return undefined;
  return {
    uid: isNumber ? Number(word) : Number(fields?.[2] ?? 0),
    gid: Number(fields?.[3] ?? 0) || 0,
    home: fields?.[5] || "/",
  };
}

/** The same of a group. */
export function groupOf(word: string, tree: FileView): number | undefined {
  if (/^\d+$/.test(word)) return Number(word);
  const fields = lineOf(word, "/etc/group", tree);
  return fields === undefined ? undefined : Number(fields[2] ?? 0);
}

/** Fields of the line of a name or number in `NAME:x:ID:…`. */
function lineOf(word: string, file: string, tree: FileView): readonly string[] | undefined {
  const found = resolveIn(tree, file);
  const bytes = found.entry?.kind === "file" ? tree.read(found.path) : undefined;
  const isNumber = /^\d+$/.test(word);
  return decodeOsText(bytes ?? new Uint8Array(0))
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name, , id]) => (isNumber ? id === word : name === word));
}
