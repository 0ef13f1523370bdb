import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { unmount } from "../../host/mount-calls.ts";
import { isMachineRoot } from "../one-id.ts";
import type { Stage } from "../stage.ts";
import { type Agent, SILENT_RUNSCRIPT } from "./agent.ts";
import { withDevices } from "./device-nodes.ts";
import { includedPackages, needTool, removeCache, runTool } from "./package-tool.ts";

const KEYS = "haveged -w 1024; pacman-key --init; pacman-key --populate archlinux";

/**
 * `Bootstrap: arch`: an Arch Linux by pacstrap, with the pacman.conf that `Confurl` names, else the
 * host's (reference: deffile.md section 2).
 */
export const arch: Agent = {
  keepsFiles: true,
  runscript: SILENT_RUNSCRIPT,
  async bootstrap(stage) {
    const config = `${stage.folder}/pacman.conf`;
    const commands = archCommands(stage, config);
    writeFileSync(config, await pacmanConfiguration(stage));
    mkdirSync(stage.root, { recursive: true });
    if (isMachineRoot()) {
      for (const argv of commands) await runTool(stage, argv, "bootstrapping with pacstrap");
    } else await bootstrapInNamespace(stage, config);
  },
};

/**
 * What pacstrap and arch-chroot do, with the host's kernel file systems in the root: in a user
 * namespace these programs would mount new ones, which only the machine's root may.
 */
async function bootstrapInNamespace(stage: Stage, config: string): Promise<void> {
  const { root } = stage;
  const cache = "/var/cache/pacman/pkg";
  for (const path of [cache, "/var/lib/pacman", "/var/log", "/dev", "/run", "/etc/pacman.d"]) {
    mkdirSync(root + path, { recursive: true, mode: 0o755 });
  }
  for (const [path, mode] of [
    ["/tmp", 0o1777],
    ["/sys", 0o555],
    ["/proc", 0o555],
  ] as const) {
    mkdirSync(root + path, { recursive: true });
    chmodSync(root + path, mode);
  }
  const words = ["--noconfirm", `--config=${config}`, `--cachedir=${root}${cache}`];
  const packages = ["haveged", ...includedPackages(stage)];
  const install = ["pacman", "-r", root, "-Sy", ...words, ...packages];
  const bound: string[] = [];
  try {
    for (const name of ["/proc", "/sys"]) {
      await runTool(stage, ["mount", "--rbind", name, root + name], `binding ${name}`);
      bound.push(root + name);
    }
    await withDevices(stage, async () => {
      await runTool(stage, install, "bootstrapping with pacman");
      for (const argv of chrootCommands(["chroot"], root)) {
        await runTool(stage, argv, "bootstrapping with pacman");
      }
    });
  } finally {
    for (const path of bound) unmount(path);
  }
  removeCache(stage, cache);
}

function chrootCommands(chroot: readonly string[], root: string): readonly (readonly string[])[] {
  return [
    [...chroot, root, "/bin/sh", "-c", KEYS],
    [...chroot, root, "pacman", "-Rs", "--noconfirm", "haveged"],
  ];
}

/** What is run, in order. Throws a Fault for another architecture than amd64, and for missing tools. */
export function archCommands(stage: Stage, config: string): readonly (readonly string[])[] {
  if (stage.options.arch !== "amd64") {
    throw new Fault("unsupported", "conveyor failed to get: Arch Linux is for amd64 only");
  }
  const hint = "install the package arch-install-scripts";
  const pacstrap = needTool(stage, ["pacstrap"], hint);
  const chroot = needTool(stage, ["arch-chroot"], hint);
  needTool(stage, ["pacman"], "install the package pacman, or pacman-package-manager");
  const { root } = stage;
  return [
    [pacstrap, "-C", config, "-c", "-G", "-M", root, "haveged", ...includedPackages(stage)],
    ...chrootCommands([chroot], root),
  ];
}

async function pacmanConfiguration(stage: Stage): Promise<Uint8Array> {
  const url = stage.recipe.header["confurl"] ?? "";
  try {
    if (url === "") return new Uint8Array(readFileSync("/etc/pacman.conf"));
    const answer = await fetch(url, { signal: stage.ports.signal });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    throw new Error(`the server answered ${answer.status}`);
  } catch (cause) {
    stage.ports.signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    const what = url === "" ? "/etc/pacman.conf" : `"${url}"`;
    throw new Fault(
      "io",
      `conveyor failed to get: while getting pacman config: Cannot read ${what}: ${reason}`,
      {
        cause,
        hint: "`Confurl:` in the header is the address of a pacman.conf",
      },
    );
  }
}
