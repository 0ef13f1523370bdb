import type { CommandSpec } from "./spec.ts";

/** A file of the command table. */
interface TableFile {
  readonly COMMANDS: readonly CommandSpec[];
}

const actions = (): Promise<TableFile> => import("./commands/actions.ts");
const build = (): Promise<TableFile> => import("./commands/build.ts");
const inspection = (): Promise<TableFile> => import("./commands/inspection.ts");
const sif = (): Promise<TableFile> => import("./commands/sif.ts");
const transfer = (): Promise<TableFile> => import("./commands/transfer.ts");
const trust = (): Promise<TableFile> => import("./commands/trust.ts");
const services = (): Promise<TableFile> => import("./commands/services.ts");
const cache = (): Promise<TableFile> => import("./commands/cache.ts");
const settings = (): Promise<TableFile> => import("./commands/settings.ts");
const instance = (): Promise<TableFile> => import("./commands/instance.ts");
const storage = (): Promise<TableFile> => import("./commands/storage.ts");
const oci = (): Promise<TableFile> => import("./commands/oci.ts");
const plugin = (): Promise<TableFile> => import("./commands/plugin.ts");
const own = (): Promise<TableFile> => import("./commands/own.ts");
const program = (): Promise<TableFile> => import("./commands/program.ts");

/** Which file of the table each command is in. A launch loads the file of its own command only. */
const FILES: Readonly<Record<string, () => Promise<TableFile>>> = {
  exec: actions,
  run: actions,
  shell: actions,
  test: actions,
  build,
  inspect: inspection,
  "run-help": inspection,
  sif,
  pull: transfer,
  push: transfer,
  search: transfer,
  delete: transfer,
  sign: trust,
  verify: trust,
  key: trust,
  keyserver: services,
  remote: services,
  registry: services,
  cache,
  config: settings,
  capability: settings,
  instance,
  overlay: storage,
  data: storage,
  checkpoint: storage,
  oci,
  plugin,
  explain: own,
  doctor: own,
  def: own,
  tag: transfer,
  export: own,
  help: program,
  version: program,
  __complete: program,
  __network: program,
  completion: program,
  man: program,
  buildcfg: program,
  confgen: program,
};

/** Every command's name. */
export const COMMAND_NAMES: readonly string[] = Object.keys(FILES);

/** The command of that name, or undefined. */
export async function findCommand(name: string): Promise<CommandSpec | undefined> {
  if (!Object.hasOwn(FILES, name)) return undefined;
  const file = await FILES[name]?.();
  return file?.COMMANDS.find((command) => command.name === name);
}

/** All commands, sorted by name: for help and completion. */
export async function loadAllCommands(): Promise<readonly CommandSpec[]> {
  const files = await Promise.all([...new Set(Object.values(FILES))].map((load) => load()));
  const commands = files.flatMap((file) => file.COMMANDS);
  return commands.sort((one, other) => (one.name < other.name ? -1 : 1));
}
