import { statFollow } from "../host-files.ts";
import { lgetxattr } from "../syscall.ts";
import { attempt } from "./_attempt.ts";
import { installLine } from "./_packages.ts";
import type { Check, ProbeInput } from "./check.ts";

const MEANS =
  "--fakeroot and builds map only your own id: packages that change owners fail to install";

/** Sub-ids of the caller and the tools that map them. */
export async function probeSubids(input: ProbeInput): Promise<readonly Check[]> {
  const { host } = input;
  const user = host.account?.name ?? String(host.uid);
  const ranges: Check = rangesOf(input, user);
  const tools = ["newuidmap", "newgidmap"].map((tool) => toolCheck(input, tool));
  if (ranges.state !== "ok" || tools.some((tool) => tool.state !== "ok")) return [ranges, ...tools];
  const unshare = host.isRealRoot ? undefined : host.tool("unshare");
  if (unshare === undefined) return [ranges, ...tools];
  const tried = await attempt([unshare, "--map-root-user", "--map-auto", "true"], host.env);
  // Older versions of unshare cannot map sub-ids.
  if (tried.ok || /unrecognized option/.test(tried.text)) return [ranges, ...tools];
  const why = tried.text.trim().split("\n")[0] ?? "";
  const remedy = "look at /etc/subuid and /etc/subgid: no other user may have the same ids";
  return [
    {
      ...ranges,
      state: "limited",
      found: `${ranges.found}; mapping them fails: ${why}`,
      means: MEANS,
      remedy,
    },
    ...tools,
  ];
}

function rangesOf({ host }: ProbeInput, user: string): Check {
  const base = { id: "subids.ranges", name: "sub-ids" };
  const [uids, gids] = [host.subUids[0], host.subGids[0]];
  if (host.isRealRoot) return { ...base, state: "ok", found: "not needed by root" };
  const remedy = `as root: skiff config fakeroot --add ${user}`;
  if (uids === undefined || gids === undefined) {
    const file = uids === undefined ? "/etc/subuid" : "/etc/subgid";
    return {
      ...base,
      state: "limited",
      found: `none for "${user}" in ${file}`,
      means: MEANS,
      remedy,
    };
  }
  const found = `${uids.count} user ids from ${uids.first}, ${gids.count} group ids from ${gids.first}`;
  return Math.min(uids.count, gids.count) >= 65536
    ? { ...base, state: "ok", found }
    : {
        ...base,
        state: "limited",
        found,
        means: "fewer than 65536: ids above are refused in images",
        remedy,
      };
}

function toolCheck({ host }: ProbeInput, tool: string): Check {
  const base = { id: `subids.${tool}`, name: tool };
  const path = host.tool(tool);
  const needed = !host.isRealRoot;
  if (path === undefined) {
    return needed
      ? {
          ...base,
          state: "limited",
          found: "not installed",
          means: MEANS,
          remedy: installLine("newuidmap"),
        }
      : { ...base, state: "ok", found: "not installed; not needed by root" };
  }
  const isSetuid = ((statFollow(path)?.mode ?? 0) & 0o4000) !== 0;
  if (isSetuid || lgetxattr(path, "security.capability") !== undefined) {
    return {
      ...base,
      state: "ok",
      found: `${path} (${isSetuid ? "setuid root" : "with capabilities"})`,
    };
  }
  if (!needed) return { ...base, state: "ok", found: path };
  const cap = tool === "newuidmap" ? "cap_setuid" : "cap_setgid";
  const remedy = `as root: setcap ${cap}+ep ${path}`;
  return { ...base, state: "limited", found: `${path} has no privilege`, means: MEANS, remedy };
}
