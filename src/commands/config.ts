import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { UsageFault } from "../cli/usage-fault.ts";
import { defaultConfigText, textOf } from "../config/default-text.ts";
import { DIRECTIVES } from "../config/directives.ts";
import { editGlobal, type GlobalEdit, requireDirective } from "../config/edit-global.ts";
import { editSubids, type SubidAction } from "../config/edit-subids.ts";
import { loadConfig, parseConfig } from "../config/load.ts";
import { replaceFile } from "../config/replace-file.ts";
import { hostFacts } from "../host/facts.ts";
import { hostFiles, statFollow } from "../host/host-files.ts";
import { getuid } from "../host/process-calls.ts";
import { readHostText } from "../host/read-text.ts";
import type { Config } from "../plan/config.ts";
import { installPrefix } from "../runtime/installed.ts";
import type { Context } from "../terminal/context.ts";

/** `config global` shows or changes a directive; `config fakeroot` manages the sub-ids of a user. */
export function run(inv: Invocation, ctx: Context): number {
  return inv.path[1] === "fakeroot" ? configFakeroot(inv, ctx) : configGlobal(inv, ctx);
}

function configGlobal(inv: Invocation, ctx: Context): number {
  const kinds = (["set", "unset", "get", "reset"] as const).filter((name) => inv.bool(name));
  const [kind, another] = kinds;
  if (kind === undefined) throw usage(inv, "you must specify an option (eg: --set/--unset)");
  if (another !== undefined) throw usage(inv, `--${kind} and --${another} exclude each other`);
  const [directive = "", value = "", ...rest] = inv.args;
  if (rest.length > 0) throw usage(inv, "too many words: join the values of a list with commas");
  requireDirective(directive);

  const named = inv.globals.string("config");
  const prefix = installPrefix();
  const config = loadConfig({
    files: hostFiles(),
    prefix,
    ...(named === "" ? {} : { file: named }),
  });
  if (kind === "get") {
    ctx.print(`${shown(directive, config)}\n`);
    return 0;
  }
  const edit: GlobalEdit = kind === "reset" ? { kind } : { kind, value };
  const file = config.file ?? newFile(prefix);
  const before = config.file === undefined ? defaultConfigText() : readHostText(config.file);
  const after = editGlobal(before, directive, edit);
  parseConfig(after, file);
  if (inv.bool("dry-run")) ctx.print(after);
  else {
    replaceFile(file, after);
    ctx.log.verbose(`Wrote ${file}`);
  }
  return 0;
}

/** The value in force, a list joined by commas. */
function shown(directive: string, { values }: Config): string {
  for (const key in DIRECTIVES) {
    const name = key as keyof typeof DIRECTIVES;
    if (DIRECTIVES[name].name === directive) return textOf(values[name]);
  }
  return "";
}

/** Where a first configuration goes: the installation's own, for one in /usr that of the system. */
function newFile(prefix: string): string {
  return prefix === "" || prefix === "/" || prefix === "/usr"
    ? "/etc/skiff/skiff.conf"
    : `${prefix}/etc/skiff/skiff.conf`;
}

function configFakeroot(inv: Invocation, ctx: Context): number {
  const actions = (["add", "remove", "enable", "disable"] as const).filter((name) =>
    inv.bool(name),
  );
  const [action, another] = actions;
  if (action === undefined) throw usage(inv, "you must specify an option (eg: --add/--remove)");
  if (another !== undefined) throw usage(inv, `--${action} and --${another} exclude each other`);
  if (getuid() !== 0) {
    throw new Fault("denied", `"${ctx.program} config fakeroot" command requires root privileges`);
  }
  const name = inv.args[0] ?? "";
  const account = hostFacts({ binaryPath: "", env: ctx.env }).accountByName(name);
  if (account === undefined) throw failed(action, name, "there is no such user");
  const before = { subuid: readTable("/etc/subuid"), subgid: readTable("/etc/subgid") };
  const after = tryEdit(action, name, () => editSubids(before, action, account));
  // The files are two: after a failure in between, the same command again mends it.
  if (after.subuid !== before.subuid) replaceFile("/etc/subuid", after.subuid);
  if (after.subgid !== before.subgid) replaceFile("/etc/subgid", after.subgid);
  return 0;
}

/** Text of a table; "" when there is none. One that cannot be read must not be replaced. */
function readTable(path: string): string {
  const text = readHostText(path);
  if (text !== "" || (statFollow(path)?.sizeBytes ?? 0) === 0) return text;
  throw new Fault("denied", `Cannot read "${path}": it is not a readable regular file`);
}

function tryEdit<Value>(action: SubidAction, user: string, edit: () => Value): Value {
  try {
    return edit();
  } catch (error) {
    throw error instanceof Fault ? failed(action, user, error.message) : error;
  }
}

function failed(action: SubidAction, user: string, why: string): Fault {
  const doing = { add: "adding", remove: "removing", enable: "enabling", disable: "disabling" };
  return new Fault("failed", `while ${doing[action]} ${user}: ${why}`);
}

function usage(inv: Invocation, reason: string): UsageFault {
  return new UsageFault(reason, "args", inv.command, inv.path);
}
