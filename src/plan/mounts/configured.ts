import { Fault } from "../../base/fault.ts";
import { bindHost } from "./host-bind.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import type { MountList } from "./mount-list.ts";

/** Kept with --contain: names and time must still be right (reference: runtime.md 4.2). */
const ALWAYS = ["/etc/localtime", "/etc/hosts"];

const DEFAULT_HOSTS = [
  "127.0.0.1   localhost",
  "::1         localhost ip6-localhost ip6-loopback",
  "ff02::1     ip6-allnodes",
  "ff02::2     ip6-allrouters",
  "",
].join("\n");

/**
 * The `bind path` lines of the configuration; with --contain only names and time, whatever the lines say.
 *
 * @throws Fault for a source that does not exist, names and time apart.
 */
export function addConfiguredBinds(list: MountList, input: MountInput): void {
  const { request, config, host, namespaces } = input;
  // An OCI runtime's container has none of them, unless it is to be like a native one.
  if (isUnwanted(request, "bind-paths") || (request.oci === true && request.contain)) return;
  for (const line of request.contain ? ALWAYS : config.values.bindPath) {
    const [source, second] = line.split(":");
    if (source === undefined || source === "") continue;
    const target = second ?? source;
    if (isUnwanted(request, target)) continue;
    if (input.binds.some((b) => b.target === target)) continue;
    const why = request.contain
      ? `names and time are kept with ${request.origins["contain"] ?? "--contain"}`
      : `bind path = ${line}`;
    if (target === "/etc/hosts" && request.contain && namespaces.net) {
      addStaged(
        list,
        target,
        DEFAULT_HOSTS,
        "a network namespace with --contain has only its own names",
      );
      continue;
    }
    // A link in the image must not send the host's zone over another zone's file.
    if (
      target === "/etc/localtime" &&
      list.canMakeMountPoint &&
      list.table.lstat(target)?.kind === "symlink"
    ) {
      if (host.realPath(source) === undefined) continue;
      list.makeMountPoint(target, "file");
    }
    if (host.realPath(source) === undefined && !ALWAYS.includes(target)) {
      throw new Fault(
        "not-found",
        `Cannot bind ${source} on ${target}: mount source ${source} doesn't exist (${why} in ${config.file ?? "the defaults"})`,
        { hint: `ask the administrator, or leave it out with --no-mount ${target}` },
      );
    }
    bindHost(list, host, { source, target, why, optional: "binds" });
  }
}

/** A file whose text the plan composes, bound where the image has it or could have it. */
export function addStaged(list: MountList, target: string, content: string, why: string): void {
  const place = list.place(target, { kind: "file", what: target, optional: "files" });
  if (place === undefined) return;
  list.add(
    { kind: "staged-file", target: place.target, content, mode: 0o644, flags: ["nosuid"], why },
    undefined,
    target,
  );
}
