import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { HostFacts } from "./facts.ts";
import type { HomePlan } from "./mounts/mount-input.ts";
import type { IdentityPlan } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

/**
 * The home directory of the container: the account's, on the same path (on /root for a fake root),
 * or what --home says (reference: runtime.md 4.3). An unknown account has the home "/".
 */
export function planHome(
  request: LaunchRequest,
  host: HostFacts,
  identity: Pick<IdentityPlan, "uid" | "uidMap" | "become">,
): HomePlan {
  if (request.home !== undefined) {
    const words = request.home.split(":");
    if (words.length > 2) {
      throw new Fault(
        "usage",
        `Cannot use "${request.home}" as home: home argument has incorrect number of elements: ${words.length}`,
        { exitCode: 255, hint: "write --home SRC or --home SRC:DEST" },
      );
    }
    const [source = "", target] = words;
    const absolute = resolvePath(host.cwd ?? "/", source);
    return {
      source: absolute,
      target: target ?? absolute,
      custom: true,
      why: request.origins["home"] ?? "--home",
    };
  }
  const account =
    identity.become === undefined
      ? host.account
      : (host.accountByUid(identity.uid) ?? host.account);
  const source = account?.home ?? "/";
  const asRoot = identity.uid === 0 && (identity.uidMap !== "" || source === "/");
  return {
    source,
    target: asRoot ? "/root" : source,
    custom: false,
    why: asRoot ? "the home of the account, for root in the container" : "the home of the account",
  };
}
