import { Fault } from "../../base/fault.ts";
import { askDigest, fetchManifest } from "./manifest-request.ts";
import type { Registry } from "./registry.ts";

/** Deletes a manifest by tag or digest, with every tag that stands for it (distribution specification). Throws a Fault. */
export async function deleteManifest(
  registry: Registry,
  repository: string,
  version: string,
  what: string,
): Promise<void> {
  const digest =
    (await askDigest(registry, repository, version, what)) ??
    (await fetchManifest(registry, repository, version, what)).digest;
  const path = `${repository}/manifests/${digest}`;
  const answer = await registry.send(path, repository, "delete", { method: "DELETE" });
  if (answer.status === 405) {
    throw new Fault(
      "unsupported",
      `Cannot delete ${what}: ${registry.name} deletes nothing (405)`,
      {
        hint: "its administrator has to allow it",
      },
    );
  }
  if (!answer.ok) throw await registry.faultOf(answer, `Cannot delete ${what}`);
  await answer.body?.cancel();
}
