import { quoteWord } from "../base/shell-quote.ts";
import { CAPABILITIES, hasBit } from "./capabilities.ts";
import type { LimitsPlan, Mounter, NetworkPlan, Plan, PlannedMount, Volume } from "./plan.ts";

/** The plan in words: one section a topic, each line with its reason. For people; machines take the JSON. */
export function explainPlan(plan: Plan): string {
  const sections: [string, string[]][] = [
    ["Image", imageLines(plan)],
    ["Program", programLines(plan)],
    ["Identity", identityLines(plan)],
    ["Namespaces", namespaceLines(plan)],
    ...(plan.limits === undefined
      ? []
      : [["Limits", limitLines(plan.limits)] as [string, string[]]]),
    ["Root", rootLines(plan)],
    ["Mounts", table(plan.mounts.map(mountRow))],
    ["Environment", environmentLines(plan)],
  ];
  if (plan.notices.length > 0) {
    sections.push(["Notices", plan.notices.map((n) => `${n.level}: ${n.text}`)]);
  }
  return layOut(sections);
}

/** Sections with their titles. */
export function layOut(sections: readonly (readonly [string, readonly string[]])[]): string {
  return sections
    .map(([title, lines]) => `${title}\n${lines.map((l) => `  ${l}\n`).join("")}`)
    .join("\n");
}

/** Rows of cells as aligned lines; the last cell is the reason. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, i) => {
      widths[i] = Math.min(48, Math.max(widths[i] ?? 0, cell.length));
    });
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

export function because(why: string): string {
  return why === "" ? "" : `# ${why}`;
}

function mounterText(mounter: Mounter): string {
  switch (mounter.kind) {
    case "directory":
      return "used in place";
    case "loop":
      return "mounted by the kernel";
    case "device":
      return "decrypted (dm-crypt) and mounted by the kernel";
    case "fuse":
      return `mounted by ${mounter.tool}`;
    case "unpack":
      return `unpacked by ${mounter.tool}`;
  }
}

function cipherText({ cipher }: Volume): string {
  return cipher === undefined ? "" : `, decrypted in memory by ${cipher.tool}`;
}

function volumeText(volume: Volume): string {
  const part = volume.offsetBytes === 0 ? "" : ` at byte ${volume.offsetBytes}`;
  const name = volume.fstype === "directory" ? "directory" : `${volume.fstype}${part}`;
  return `${volume.path} (${name}), ${mounterText(volume.mounter)}${cipherText(volume)}`;
}

function imageLines(plan: Plan): string[] {
  return table([
    [`${plan.image.path}: ${plan.image.format}`, because(plan.root.image.why)],
    [volumeText(plan.root.image), because(plan.root.image.mounter.why)],
  ]);
}

/** What is run, where, and how it makes files. */
export function programLines(plan: Pick<Plan, "process" | "cwd" | "umask">): string[] {
  const rows = plan.process.candidates.map((c, i) => [
    `${i === 0 ? "run" : "else run"} ${c.argv.map(quoteWord).join(" ")}`,
    because(i === 0 ? plan.process.why : c.note),
  ]);
  const [first = "/", ...rest] = plan.cwd.candidates;
  rows.push([
    `in ${first}${plan.cwd.fatal || rest.length === 0 ? "" : `, else ${rest.join(", ")}`}`,
    because(plan.cwd.why),
  ]);
  rows.push([`umask ${plan.umask.mask.toString(8).padStart(4, "0")}`, because(plan.umask.why)]);
  return table(rows);
}

export function capabilityText(mask: number): string {
  const names = CAPABILITIES.filter((_, bit) => hasBit(mask, bit));
  if (names.length === 0) return "no capabilities";
  return names.length === CAPABILITIES.length ? "all capabilities" : names.join(", ");
}

function identityLines(plan: Plan): string[] {
  const { identity, security } = plan;
  const rows = [[`uid ${identity.uid}, gid ${identity.gid}`, because(identity.why)]];
  const map = (kind: string, text: string): void => {
    for (const line of text.trim().split("\n")) {
      const [inside, outside, count] = line.split(" ");
      if (outside !== undefined)
        rows.push([`${kind} ${inside} in the container is ${outside} outside, ${count} ids`, ""]);
    }
  };
  map("uid", identity.uidMap);
  map("gid", identity.gidMap);
  rows.push([capabilityText(security.effective), because(security.why)]);
  rows.push([security.noNewPrivs ? "no new privileges" : "may gain privileges", ""]);
  const { seccomp, label } = security;
  if (seccomp !== undefined) {
    const text = `system calls filtered by ${seccomp.filter.length / 16} instructions made from ${seccomp.path}`;
    rows.push([text, because(seccomp.why)]);
  }
  if (label !== undefined) rows.push([`${label.module}: ${label.label}`, because(label.why)]);
  return table(rows);
}

function namespaceLines(plan: Plan): string[] {
  const { namespaces } = plan;
  const rows = [["mount: new", because("always")]];
  for (const name of ["user", "pid", "ipc", "uts", "net"] as const) {
    rows.push([
      `${name}: ${namespaces[name] ? "new" : "the caller's"}`,
      because(namespaces.why[name] ?? ""),
    ]);
  }
  if (namespaces.pid)
    rows.push([plan.init ? "process 1 is an init that reaps" : "process 1 is the program", ""]);
  if (plan.share !== undefined) {
    rows.push(["shared with the other processes of the step", because(plan.share.why)]);
  }
  if (plan.hostname !== undefined) rows.push([`host name ${plan.hostname}`, ""]);
  if (plan.network !== undefined) rows.push(...networkRows(plan.network));
  if (plan.gpuSetup !== undefined)
    rows.push([`GPUs: ${plan.gpuSetup.argv.join(" ")}`, because(plan.gpuSetup.why)]);
  return table(rows);
}

function networkRows(network: NetworkPlan): string[][] {
  if (network.kind === "join") return [[`net: that of ${network.path}`, because(network.why)]];
  return [
    [`network ${network.name}`, because(network.why)],
    ...network.ports.map((port) => [
      `port ${port.hostPort} of the host is ${port.containerPort} in the container, ${port.protocol}`,
      "",
    ]),
  ];
}

function limitLines(limits: LimitsPlan): string[] {
  const { place, settings } = limits;
  const where =
    place.kind === "systemd"
      ? [`a scope of the ${place.bus}'s systemd`]
      : place.groups.map(({ parent }) => `a control group in ${parent}`);
  return table([
    ...where.map((text, at) => [text, at === 0 ? because(limits.why) : ""]),
    ...settings.map(({ file, value, what }) => [`${file} = ${value}`, because(what)]),
  ]);
}

function rootLines(plan: Plan): string[] {
  const { root } = plan;
  const rows = [
    [
      `${root.layer === "none" ? "no layer" : root.layer}, ${root.readOnly ? "read-only" : "writable"}`,
      because(root.why),
    ],
  ];
  const { overlayTool } = root;
  if (overlayTool !== undefined) {
    rows.push([`overlay served by ${overlayTool.path}`, because(overlayTool.why)]);
  }
  for (const layer of root.overlays) {
    const kind = layer.writable ? "writable layer" : "layer";
    rows.push([`${kind} ${volumeText(layer.volume)}`, because(layer.volume.why)]);
  }
  if (root.tmpfsUpper) rows.push(["writable layer in memory", because("--writable-tmpfs")]);
  for (const point of root.mountPoints) {
    if (!point.exists) rows.push([`mount point ${point.path} made`, because("the image lacks it")]);
  }
  return table(rows);
}

function mountRow(mount: PlannedMount): string[] {
  const why = because(mount.why);
  switch (mount.kind) {
    case "bind":
      return [mount.target, `bind ${mount.source}`, mount.flags.join(","), why];
    case "kernel":
      return [mount.target, mount.fstype, mount.flags.join(","), why];
    case "session-dir":
      return [mount.target, "empty, in memory", mount.flags.join(","), why];
    case "staged-file":
      return [mount.target, `composed, ${mount.content.length} bytes`, mount.flags.join(","), why];
    case "libraries":
      return [
        mount.target,
        `${mount.files.length} host files: ${mount.files.map((f) => f.name).join(" ")}`,
        "ro",
        why,
      ];
    case "image-bind":
      return [mount.target, `bind ${mount.volume.path}:${mount.dir}`, mount.flags.join(","), why];
    case "fuse":
      return [mount.target, `served by ${mount.command.join(" ")} (${mount.where})`, "", why];
    case "minimal-dev":
      return [
        mount.target,
        `private: ${mount.nodes.map((n) => n.path.slice(5)).join(" ")}`,
        "",
        why,
      ];
  }
}

/** Each variable, and whose it is. */
export function environmentLines(plan: Pick<Plan, "environment">): string[] {
  const { environment } = plan;
  const known = environment.kind === "direct" ? environment.variables : environment.predicted;
  const lines = table(known.map((v) => [`${v.name}=${quoteWord(v.value)}`, because(v.origin)]));
  if (environment.kind === "shell") {
    lines.unshift(`a shell in the container finishes it: ${environment.reason}; known beforehand:`);
  }
  return lines;
}
