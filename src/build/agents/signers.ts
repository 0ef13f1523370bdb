import { Fault } from "../../base/fault.ts";
import type { Stage } from "../stage.ts";

/**
 * `Fingerprints:` of a header: the image file has to be signed, as a whole, by each of the keys. Does
 * nothing without the line. Throws a Fault for an image that is not.
 */
export async function requireSigners(path: string, { recipe, ports }: Stage): Promise<void> {
  const words = (recipe.header["fingerprints"] ?? "").split(",").map((word) => word.trim());
  const fingerprints = words.filter((word) => word !== "");
  if (fingerprints.length === 0) return;
  if (ports.checkSigners === undefined) {
    throw new Fault("unsupported", `Cannot check here who signed "${path}"`);
  }
  const list = fingerprints.join(" ");
  ports.talk.info(`Checking bootstrap image verifies with fingerprint(s): [${list}]`);
  await ports.checkSigners(path, fingerprints);
}
