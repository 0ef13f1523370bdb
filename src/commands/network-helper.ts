import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { addNetworks, deleteNetworks } from "../runtime/network/cni.ts";
import { startSlirp } from "../runtime/network/slirp.ts";
import type { Context } from "../terminal/context.ts";

/**
 * `__network cni-add|cni-del TASK PID NAMESPACE`, `__network slirp TASK PID`: what the starter's
 * companion runs outside of the container. What is printed becomes part of the launch's message.
 */
export async function run(inv: Invocation, _: Context): Promise<number> {
  const [verb, task = "", pid = "", namespace = ""] = inv.args;
  try {
    if (verb === "cni-add") addNetworks(JSON.parse(task), Number(pid), namespace);
    else if (verb === "cni-del") deleteNetworks(Number(pid), namespace);
    else if (verb === "slirp") await startSlirp(JSON.parse(task), Number(pid));
    else throw new Fault("usage", `Cannot help with a network: unknown word "${verb}"`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}
