import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import type { HostFacts } from "../facts.ts";
import type { IdentityPlan } from "../plan.ts";
import { addStaged } from "./configured.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import type { MountList } from "./mount-list.ts";

/**
 * /etc/resolv.conf, /etc/hostname, /etc/passwd and /etc/group (reference: runtime.md 4.1, 4.4).
 *
 * @param withAccounts whether the caller gets a name in the latter two.
 */
export function addIdentityFiles(list: MountList, input: MountInput, withAccounts: boolean): void {
  const { request, config, binds } = input;
  const taken = (path: string): boolean =>
    binds.some((b) => b.target === path) || isUnwanted(request, path);
  if (config.values.configResolvConf && !taken("/etc/resolv.conf")) addResolvConf(list, input);
  if (request.hostname !== undefined && input.namespaces.uts && !taken("/etc/hostname")) {
    addStaged(
      list,
      "/etc/hostname",
      `${request.hostname}\n`,
      request.origins["hostname"] ?? "--hostname",
    );
  }
  const asRoot = input.identity.uid === 0;
  if (!withAccounts || (asRoot && !input.root.readOnly)) return;
  if (config.values.configPasswd && !taken("/etc/passwd")) {
    stage(list, "/etc/passwd", (text) =>
      composePasswd(text, input.host, input.identity, input.home.target),
    );
  }
  if (config.values.configGroup && !taken("/etc/group")) {
    stage(list, "/etc/group", (text) => composeGroup(text, input.host, input.identity));
  }
}

function stage(list: MountList, path: string, compose: (text: string) => string): void {
  const found = list.table.resolve(path);
  const bytes = found.entry?.kind === "file" ? list.table.read(found.path) : undefined;
  if (bytes === undefined) {
    list.notices.push({
      level: "warning",
      text: `${path} doesn't exist in container, not updating it`,
    });
    return;
  }
  addStaged(
    list,
    path,
    compose(decodeOsText(bytes)),
    "config passwd/group = yes: the caller must have a name",
  );
}

function addResolvConf(list: MountList, input: MountInput): void {
  const { request, host } = input;
  if (request.dns !== undefined) {
    const servers = request.dns.split(",").map((word) => word.trim());
    for (const server of servers) {
      if (!isIpAddress(server)) {
        throw new Fault("usage", `dns ip ${server} is not a valid IP address`, {
          exitCode: 255,
          hint: "give a comma list of IP addresses to --dns",
        });
      }
    }
    const content = servers.map((s) => `nameserver ${s}\n`).join("");
    addStaged(list, "/etc/resolv.conf", content, request.origins["dns"] ?? "--dns");
    return;
  }
  const real = host.realPath("/etc/resolv.conf");
  const bytes = real === undefined ? undefined : host.files.read(real);
  if (bytes === undefined) return;
  const own = input.nameservers.map((server) => `nameserver ${server}\n`).join("");
  const text = decodeOsText(bytes);
  addStaged(
    list,
    "/etc/resolv.conf",
    own === "" ? text : own + text.replaceAll(/^[ \t]*nameserver.*\n?/gm, ""),
    own === ""
      ? "config resolv_conf = yes: a copy of the host's"
      : "config resolv_conf = yes: the host's, with a nameserver that the network reaches",
  );
}

function isIpAddress(text: string): boolean {
  if (/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(text))
    return text.split(".").every((n) => Number(n) < 256);
  return text.includes(":") && /^[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?$/.test(text);
}

/** The image's passwd with the caller in it: its line is adapted, or one is added. */
export function composePasswd(
  text: string,
  host: HostFacts,
  identity: IdentityPlan,
  home: string,
): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  // A root that becomes another is that one; a user that shows another uid keeps its name.
  const account = identity.become === undefined ? host.account : host.accountByUid(identity.uid);
  const at = lines.findIndex((line) => line.split(":")[2] === String(identity.uid));
  if (at >= 0) {
    const fields = (lines[at] ?? "").split(":");
    fields[5] = home;
    if (identity.uid !== 0 && account !== undefined && account.uid === identity.uid) {
      fields[0] = account.name;
      fields[4] = account.gecos;
    }
    lines[at] = fields.join(":");
  } else if (account !== undefined) {
    const shell = account.shell === "" ? "/bin/sh" : account.shell;
    lines.push(
      `${account.name}:x:${identity.uid}:${identity.gid}:${account.gecos}:${home}:${shell}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** The image's groups with the caller's named ones after them. */
export function composeGroup(text: string, host: HostFacts, identity: IdentityPlan): string {
  const { become } = identity;
  const account = become === undefined ? host.account : host.accountByUid(become.uid);
  const name = account?.name ?? "";
  let out = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const seen = new Set<number>();
  for (const gid of become === undefined ? [host.gid, ...host.groups] : become.groups) {
    const group = host.groupName(gid);
    if (seen.has(gid) || group === undefined) continue;
    seen.add(gid);
    out += `${group}:x:${gid}:${name}\n`;
  }
  return out;
}
