import { Fault } from "../base/fault.ts";
import type { CommandSpec } from "./spec.ts";

/** A wrong command line. The message is the bare reason; who prints it adds the command and its usage. */
export class UsageFault extends Fault {
  readonly command: CommandSpec;
  /** Names from the top: `["key", "list"]`; empty for the program itself. */
  readonly path: readonly string[];
  /** `flags`: the list of options helps; `args`: the usage line does. */
  readonly about: "flags" | "args";

  constructor(
    reason: string,
    about: "flags" | "args",
    command: CommandSpec,
    path: readonly string[],
  ) {
    super("usage", reason);
    this.name = "UsageFault";
    this.about = about;
    this.command = command;
    this.path = path;
  }
}
