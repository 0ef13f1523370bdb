import type { HostFacts } from "../../plan/facts.ts";
import { removeTree } from "../remove-tree.ts";
import { chooseRung } from "../rung.ts";
import { runOnRung, tryRung } from "../user-namespace.ts";

/** Removes a tree whose files belong to sub-ids of the user; true when nothing is left. */
export async function removeAsBuilder(path: string, host: HostFacts): Promise<boolean> {
  if (removeTree(path)) return true;
  const rung = await chooseRung(host, false, (one) => tryRung(one, host));
  if (rung.kind === "refused" || rung.kind === "root") return false;
  const { status } = await runOnRung(rung, [host.tool("rm") ?? "/bin/rm", "-rf", "--", path], host);
  return status === 0;
}
