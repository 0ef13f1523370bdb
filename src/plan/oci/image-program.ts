import type { FileView } from "../../base/file-view.ts";
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
  const account = idsOf(user, "/etc/passwd", tree);
  return {
    args: words.length === 0 ? ["/.singularity.d/actions/run"] : words,
    env: config?.Env ?? [],
    cwd: config?.WorkingDir?.startsWith("/") === true ? config.WorkingDir : "/",
    uid: account.id,
    gid: group === undefined ? account.gid : idsOf(group, "/etc/group", tree).id,
  };
}

/** Number and group of a name in `NAME:x:ID:GID:…`; a number stands for itself. */
function idsOf(word: string, file: string, tree: FileView): { id: number; gid: number } {
  const lines = decodeOsText(tree.read(file) ?? new Uint8Array(0)).split("\n");
  const fields = lines.map((line) => line.split(":"));
  const isNumber = /^\d+$/.test(word);
  const found = fields.find(([name, , id]) => (isNumber ? id === word : name === word));
  const id = isNumber ? Number(word) : Number(found?.[2] ?? 0);
  return { id, gid: Number(found?.[3] ?? 0) || 0 };
}
