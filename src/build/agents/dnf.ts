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

const CONFIG = "/etc/bootstrap-yum.conf";
const CACHE = "/var/cache/yum-bootstrap";

/**
 * `Bootstrap: yum`, `dnf`: a distribution with rpm, of `MirrorURL` and `UpdateURL` (reference:
 * deffile.md section 2). The variable GPG, an https address of a key, switches signatures on.
 */
export const dnf: Agent = {
  keepsFiles: true,
  runscript: SILENT_RUNSCRIPT,
  async bootstrap(stage) {
    const { tool, argv } = dnfCommand(stage);
    needTool(stage, ["rpm"], "install the package rpm");
    const env = rpmEnvironment(stage);
    for (const folder of ["/etc", CACHE]) mkdirSync(stage.root + folder, { recursive: true });
    writeFileSync(stage.root + CONFIG, dnfConfiguration(stage), { mode: 0o644 });
    const key = gpgKey(stage);
    await withDevices(stage, async () => {
      if (key !== "") {
        stage.ports.talk.info("We have a GPG key!  Preparing RPM database.");
        const rpmkeys = needTool(stage, ["rpmkeys"], "install the package rpm");
        await runTool(
          stage,
          [rpmkeys, "--root", stage.root, "--import", key],
          "importing gpg key",
          env,
        );
      }
      await runTool(stage, argv, `bootstrapping with ${tool}`, env);
    });
    removeCache(stage, CACHE);
  },
};

/** The tool and the words that fill the root. Throws a Fault for what the header or the host lack. */
export function dnfCommand(stage: Stage): {
  readonly tool: string;
  readonly argv: readonly string[];
} {
  if (headerAddress(stage, "mirrorurl") === "") {
    throw new Fault(
      "invalid",
      "conveyor failed to get: invalid yum header, no MirrorURL specified",
      {
        hint: "add a line `MirrorURL:` to the header",
      },
    );
  }
  const tool = needTool(stage, ["dnf", "yum"], "install the package dnf");
  const { header } = stage.recipe;
  const setopt = (header["setopt"] ?? "").trim();
  const argv = [
    tool,
    "--noplugins",
    "-c",
    stage.root + CONFIG,
    "--installroot",
    stage.root,
    `--releasever=${header["osversion"] ?? ""}`,
    "-y",
    ...(setopt === "" ? [] : ["--setopt", setopt]),
    "install",
    "/etc/redhat-release",
    "coreutils",
    ...includedPackages(stage),
  ];
  return { tool, argv };
}

/** Text of the configuration file that the tool is given. */
export function dnfConfiguration(stage: Stage): string {
  const check = gpgKey(stage) === "" ? 0 : 1;
  const repository = (name: string, title: string, url: string): string =>
    `[${name}]\nname=${title}\nbaseurl=${url}\nenabled=1\ngpgcheck=${check}\n`;
  const main = [
    "[main]",
    `cachedir=${CACHE}`,
    "keepcache=0",
    "debuglevel=2",
    "logfile=/var/log/yum.log",
    "syslog_device=/dev/null",
    "exactarch=1",
    "obsoletes=1",
    `gpgcheck=${check}`,
    "plugins=1",
    "reposdir=0",
    "deltarpm=0",
  ].join("\n");
  const updates = headerAddress(stage, "updateurl");
  return [
    `${main}\n\n`,
    repository("base", "Linux $releasever - $basearch", headerAddress(stage, "mirrorurl")),
    updates === "" ? "" : repository("updates", "Linux $releasever - $basearch updates", updates),
  ].join("");
}

function gpgKey(stage: Stage): string {
  const key = stage.ports.env["GPG"] ?? "";
  if (key === "" || key.startsWith("https://")) return key;
  throw new Fault(
    "invalid",
    `conveyor failed to get: gpg key must be fetched with https: "${key}"`,
    {
      hint: "the variable GPG is the https address of a key, or empty",
    },
  );
}
