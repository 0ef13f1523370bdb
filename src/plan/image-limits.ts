import { Fault } from "../base/fault.ts";
import type { Config } from "./config.ts";
import type { HostFacts } from "./facts.ts";

/**
 * Holds an image to "limit container owners", "groups" and "paths" of the configuration. They hold for
 * everybody who uses this program; who may make user namespaces can use another.
 *
 * @throws Fault `denied` that names the directive.
 */
export function checkImageLimits(path: string, { values, file }: Config, host: HostFacts): void {
  const { limitContainerOwners, limitContainerGroups, limitContainerPaths } = values;
  const count =
    limitContainerOwners.length + limitContainerGroups.length + limitContainerPaths.length;
  if (count === 0) return;
  const real = host.realPath(path) ?? path;
  const entry = host.files.lstat(real);
  const refuse = (what: string, directive: string, allowed: readonly string[]): void => {
    throw new Fault(
      "denied",
      `Cannot start "${path}": image is not ${what}: ${allowed.join(", ")} ("${directive}" in ${file ?? "the configuration"})`,
      { hint: "ask the administrator, or use another image" },
    );
  };
  const isOwned = (allowed: readonly string[], id: number, name: string | undefined): boolean =>
    allowed.length === 0 ||
    allowed.includes(String(id)) ||
    (name !== undefined && allowed.includes(name));
  const [uid, gid] = [entry?.uid ?? -1, entry?.gid ?? -1];
  if (!isOwned(limitContainerOwners, uid, host.accountByUid(uid)?.name)) {
    refuse("owned by required user(s)", "limit container owners", limitContainerOwners);
  }
  if (!isOwned(limitContainerGroups, gid, host.groupName(gid))) {
    refuse("owned by required group(s)", "limit container groups", limitContainerGroups);
  }
  // A directory that does not exist allows nothing.
  const isInside = limitContainerPaths.some((dir) => {
    const allowed = host.realPath(dir);
    return (
      allowed !== undefined &&
      (allowed === "/" || real === allowed || real.startsWith(`${allowed}/`))
    );
  });
  if (limitContainerPaths.length > 0 && !isInside) {
    refuse("in an allowed configured path", "limit container paths", limitContainerPaths);
  }
}
