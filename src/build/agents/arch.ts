import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { Stage } from "../stage.ts";
import { type Agent, SILENT_RUNSCRIPT } from "./agent.ts";
import { includedPackages, needTool, runTool } from "./package-tool.ts";

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
    for (const argv of commands) await runTool(stage, argv, "bootstrapping with pacstrap");
  },
};

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
    [chroot, root, "/bin/sh", "-c", KEYS],
    [chroot, root, "pacman", "-Rs", "--noconfirm", "haveged"],
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
