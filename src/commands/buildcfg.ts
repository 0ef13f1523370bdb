import { Fault } from "../base/fault.ts";
import { dirName } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";

/** `buildcfg [NAME]`: where the parts of this installation are, as `NAME=value` lines or one bare value. */
export function run(invocation: Invocation, context: Context): number {
  const settings = readSettings(context.program, process.execPath, readConfig(invocation).file);
  const wanted = invocation.args[0];
  if (wanted === undefined) {
    context.print(settings.map(([name, value]) => `${name}=${value}\n`).join(""));
    return 0;
  }
  const found = settings.find(([name]) => name === wanted);
  if (found === undefined)
    throw new Fault("not-found", `no variable named ${JSON.stringify(wanted)}`);
  context.print(`${found[1]}\n`);
  return 0;
}

/** The names that callers of the reference tools ask for; directories follow from where the binary is. */
function readSettings(
  program: Context["program"],
  binary: string,
  /** The configuration file in force; undefined while there is none. */
  configFile: string | undefined,
): readonly (readonly [string, string])[] {
  const bin = binary.slice(0, binary.lastIndexOf("/")) || "/";
  const above = bin.slice(0, bin.lastIndexOf("/"));
  const prefix = above === "" ? "/" : above;
  const under = (path: string): string => (prefix === "/" ? `/${path}` : `${prefix}/${path}`);
  const etc = prefix === "/usr" || prefix === "/" ? "/etc" : under("etc");
  const conf = configFile ?? `${etc}/skiff/skiff.conf`;
  const own = program.toUpperCase();
  return [
    ["PACKAGE_NAME", program],
    ["PACKAGE_VERSION", VERSIONS[program]],
    ["PREFIX", prefix],
    ["EXECPREFIX", prefix],
    ["BINDIR", bin],
    ["LIBEXECDIR", under("libexec")],
    ["DATADIR", under("share")],
    ["SYSCONFDIR", etc],
    ["MANDIR", under("share/man")],
    [`${own}_CONFDIR`, dirName(conf)],
    [`${own}_CONF_FILE`, conf],
    [`${own}_SUID_INSTALL`, "0"],
  ];
}
