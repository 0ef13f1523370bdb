import { Fault } from "../../base/fault.ts";

/** A network as configured: a chain of plugins (CNI specification 1.0, section 1). */
export interface CniNetwork {
  readonly name: string;
  readonly cniVersion: string;
  /** Each an object with a `type`, in the order in which they are started. */
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
  /** File that it stands in; absent for those that come with the program. */
  readonly file?: string;
}

/**
 * A network from the text of a `.conflist`, or of a `.conf` or `.json` with a single plugin.
 *
 * @throws Fault `invalid` for anything else.
 */
export function parseCniConfig(text: string, file: string): CniNetwork {
  const broken = (why: string, cause?: unknown): Fault =>
    new Fault("invalid", `Cannot read the network configuration "${file}": ${why}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw broken("it is not JSON", error);
  }
  if (!isRecord(json)) throw broken("it must be an object");
  const { name, cniVersion = "0.2.0", plugins } = json;
  if (typeof name !== "string" || name === "") throw broken("it has no name");
  if (typeof cniVersion !== "string") throw broken("cniVersion must be a text");
  const chain = plugins === undefined ? [json] : plugins;
  const isChain =
    Array.isArray(chain) &&
    chain.length > 0 &&
    chain.every((one) => isRecord(one) && isPluginName(one["type"]));
  if (!isChain) throw broken("it lists no plugins with a type each");
  // Proved by isChain.
  return { name, cniVersion, plugins: chain as CniNetwork["plugins"], file };
}

/** The name of a program in the plugin directory: no path that leads out of it. */
function isPluginName(type: unknown): boolean {
  return typeof type === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(type);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
