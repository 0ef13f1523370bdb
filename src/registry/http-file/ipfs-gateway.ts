import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";

/**
 * Address of the web server that IPFS files come by, without a slash at its end: IPFS_GATEWAY, else
 * the line in `~/.ipfs/gateway` or /etc/ipfs/gateway, as curl has it. Throws a Fault when none is named.
 */
export function ipfsGateway(
  env: Readonly<Record<string, string>>,
  home: string | undefined,
): string {
  const files = [...(home === undefined ? [] : [`${home}/.ipfs/gateway`]), "/etc/ipfs/gateway"];
  for (const text of [env["IPFS_GATEWAY"] ?? "", ...files.map(readLine)]) {
    const url = text.trim().replace(/\/+$/, "");
    if (url === "") continue;
    if (/^https?:\/\/[^/\s]+/.test(url)) return url;
    throw new Fault("invalid", `Cannot use the IPFS gateway "${url}": it is no http address`);
  }
  throw new Fault("not-found", "Cannot fetch from IPFS: no IPFS gateway found", {
    hint: "set IPFS_GATEWAY to the address of one, such as http://127.0.0.1:8080",
  });
}

function readLine(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n")[0] ?? "";
  } catch {
    return "";
  }
}
