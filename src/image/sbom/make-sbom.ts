import type { FileView } from "../../base/file-view.ts";
import { spdxDocument } from "../../format/sbom/spdx.ts";
import { collectPackages } from "./collect-packages.ts";

/**
 * The packages of a root as an SPDX 2.3 document in JSON. The same root gives the same text.
 *
 * @param seconds time of the content, since 1970.
 * @param version of this program.
 */
export async function makeSbom(view: FileView, seconds: number, version: string): Promise<string> {
  return spdxDocument({
    ...(await collectPackages(view)),
    seconds,
    tool: `skiff-${version}`,
    digest: (text) => new Bun.CryptoHasher("sha256").update(text).digest("hex"),
  });
}
