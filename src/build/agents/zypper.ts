import { mkdirSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { Stage } from "../stage.ts";
import { type Agent, SILENT_RUNSCRIPT } from "./agent.ts";
import { withDevices } from "./device-nodes.ts";
import {
  headerAddress,
  includedPackages,
  needTool,
  removeCache,
  rpmEnvironment,
  runTool,
} from "./package-tool.ts";

const CONFIG = "/etc/zypp/zypp.conf";
const CACHE = "/var/cache/zypp-bootstrap";

/** The kernel's names of architectures, by GOARCH name. */
const MACHINE: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

/**
 * `Bootstrap: zypper`: an openSUSE or SUSE Linux Enterprise of the repositories in the header; with
 * `Product` it is registered first (reference: deffile.md section 2).
 */
export const zypper: Agent = {
  keepsFiles: true,
  runscript: SILENT_RUNSCRIPT,
  async bootstrap(stage) {
    const commands = zypperCommands(stage);
    needTool(stage, ["rpm"], "install the package rpm");
    const env = rpmEnvironment(stage);
    mkdirSync(`${stage.root}/etc/zypp`, { recursive: true });
    writeFileSync(stage.root + CONFIG, `[main]\ncachedir=${CACHE}\n\n`, { mode: 0o644 });
    await withDevices(stage, async () => {
      const key = stage.recipe.header["productpgp"] ?? "";
      if (key !== "") {
        const file = `${stage.folder}/product.pgp`;
        writeFileSync(file, `${key}\n`);
        const rpmkeys = needTool(stage, ["rpmkeys"], "install the package rpm");
        await runTool(
          stage,
          [rpmkeys, "--root", stage.root, "--import", file],
          "importing pgp keys",
          env,
        );
      }
      for (const argv of commands) await runTool(stage, argv, "bootstrapping with zypper", env);
    });
    removeCache(stage, CACHE);
  },
};

/** What is run, in order. Throws a Fault for what the header or the host lack. */
export function zypperCommands(stage: Stage): readonly (readonly string[])[] {
  const tool = needTool(stage, ["zypper"], "install the package zypper");
  const { header } = stage.recipe;
  const { root } = stage;
  const version = header["osversion"] ?? "";
  const product = header["product"] ?? "";
  const isNew = Number.parseInt(version, 10) > 12;
  const mirror = headerAddress(stage, "mirrorurl");
  if (product !== "" && isNew && mirror === "") {
    throw invalid("for SLE version > 12 'MirrorURL' must be defined and point to the installer");
  }
  const add = (url: string, name: string, refresh: boolean): (readonly string[])[] => [
    [tool, "--root", root, "ar", ...(refresh ? ["-f"] : []), url, name],
    [tool, "--root", root, "--gpg-auto-import-keys", "refresh", ...(refresh ? ["-r", name] : [])],
  ];
  const updates = headerAddress(stage, "updateurl");
  const others = Object.entries(header)
    .flatMap(([key, url]) => {
      const number = /^otherurl([0-9]+)$/.exec(key)?.[1];
      return number === undefined ? [] : [{ number: Number(number), url }];
    })
    .sort((a, b) => a.number - b.number);
  return [
    ...(mirror === "" ? [] : add(mirror, "repo", false)),
    ...(product === "" ? [] : registration(stage, product, version)),
    ...(updates === "" ? [] : add(updates, "update", true)),
    ...others.flatMap(({ number, url }) => add(url, `repo-${number}`, true)),
    [
      tool,
      "--non-interactive",
      "-c",
      root + CONFIG,
      "--root",
      root,
      `--releasever=${version}`,
      "-n",
      "install",
      "--auto-agree-with-licenses",
      "--download-in-advance",
      "aaa_base",
      ...includedPackages(stage),
      ...(product === "" ? [] : ["SUSEConnect"]),
    ],
  ];
}

function registration(
  stage: Stage,
  product: string,
  version: string,
): readonly (readonly string[])[] {
  const { header } = stage.recipe;
  const [user, code] = [header["user"] ?? "", header["regcode"] ?? ""];
  if (user === "" || code === "" || version === "") {
    throw invalid("for SLE 'User', 'Regcode' and 'OSVersion' must be defined");
  }
  const tool = needTool(stage, ["SUSEConnect"], "install the package SUSEConnect");
  const url = header["registerurl"] ?? "";
  const machine = MACHINE[stage.options.arch] ?? stage.options.arch;
  const modules = (header["modules"] ?? "").split(/[\s,]+/).filter((word) => word !== "");
  const start = [tool, "--root", stage.root, "--product"];
  return [
    [...start, product, "--email", user, "--regcode", code, ...(url === "" ? [] : ["--url", url])],
    ...modules.map((name) => [...start, `${name}/${version}/${machine}`]),
  ];
}

function invalid(words: string): Fault {
  return new Fault("invalid", `conveyor failed to get: ${words}`, {
    hint: "add the line to the header",
  });
}
