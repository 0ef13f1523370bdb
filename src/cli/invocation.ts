import { FlagIndex, packFlags } from "./flag-index.ts";
import type { CommandSpec, FlagKind, FlagSpec, PackedFlag } from "./spec.ts";

/** Where a value came from: `command line`, the name of an environment variable, or `default`. */
export type FlagSource = string;

/** One value of a flag. A list has one per element; a map one `key=value` per pair. */
export interface FlagSetting {
  readonly value: string;
  readonly source: FlagSource;
}

/** A line to tell the user before the command runs. */
export interface Notice {
  readonly level: "info" | "warning";
  readonly text: string;
}

/** Values of the flags of one command. Asking for a flag that the command lacks is a programming error and throws. */
export class FlagValues {
  readonly #owner: string;
  readonly #index: FlagIndex;
  readonly #settings: ReadonlyMap<string, readonly FlagSetting[]>;

  /** `flags` may be a plain table, which is then indexed. */
  constructor(
    owner: string,
    flags: FlagIndex | readonly FlagSpec[],
    settings: ReadonlyMap<string, readonly FlagSetting[]>,
  ) {
    this.#owner = owner;
    this.#index = flags instanceof FlagIndex ? flags : new FlagIndex(packFlags(flags));
    this.#settings = settings;
  }

  /** Whether the command has such a flag at all. */
  has(name: string): boolean {
    return this.#index.get(name) !== undefined;
  }

  /** Whether the command line or the environment gave a value. */
  isSet(name: string): boolean {
    this.#row(name, undefined);
    return this.#settings.has(name);
  }

  /** Names of the flags that the command line or the environment gave a value. */
  setNames(): readonly string[] {
    return [...this.#settings.keys()];
  }

  bool(name: string): boolean {
    return this.#last(name, "bool") === "true";
  }

  /** The value, or "" when there is neither value nor default. */
  string(name: string): string {
    return this.#last(name, "string");
  }

  /** The value, or 0 when there is neither value nor default. */
  int(name: string): number {
    const kind = this.#row(name, undefined)[2] === "uint" ? "uint" : "int";
    return Number(this.#last(name, kind));
  }

  /** Elements of a `strings` or `array` flag, command line first. */
  strings(name: string): readonly string[] {
    const settings = this.settings(name);
    return settings.length === 0 ? [] : settings.map((setting) => setting.value);
  }

  /** Pairs of a `map` flag; a later pair replaces an earlier one of the same key. */
  map(name: string): ReadonlyMap<string, string> {
    const pairs = new Map<string, string>();
    for (const { value } of this.settings(name)) {
      const cut = value.indexOf("=");
      pairs.set(value.slice(0, cut), value.slice(cut + 1));
    }
    return pairs;
  }

  /** Every value with its source; for a single-valued flag the one that counts. Empty: not set, no default. */
  settings(name: string): readonly FlagSetting[] {
    const row = this.#row(name, undefined);
    const settings = this.#settings.get(name);
    if (settings !== undefined) return settings;
    const [, , kind, , , text] = row;
    if (text === "") return [];
    const values = kind === "strings" ? text.split(",") : [text];
    return values.map((value) => ({ value, source: "default" }));
  }

  /** Where the value came from; of a list, its last element. */
  source(name: string): FlagSource {
    return this.settings(name).at(-1)?.source ?? "default";
  }

  #row(name: string, kind: FlagKind | undefined): PackedFlag {
    const row = this.#index.get(name);
    if (row === undefined) throw new TypeError(`"${this.#owner}" has no flag "${name}"`);
    if (kind !== undefined && row[2] !== kind) {
      throw new TypeError(`flag "${name}" is ${row[2]}, not ${kind}`);
    }
    return row;
  }

  #last(name: string, kind: FlagKind): string {
    const row = this.#row(name, kind);
    const settings = this.#settings.get(name);
    return settings === undefined ? row[5] : (settings[settings.length - 1]?.value ?? "");
  }
}

/** One call of a command, parsed and checked: what a command module works on. */
export class Invocation extends FlagValues {
  readonly command: CommandSpec;
  /** Names from the top: `["instance", "start"]`. */
  readonly path: readonly string[];
  /** Positional words. */
  readonly args: readonly string[];
  /** The flags before the command: debug, verbose, quiet, silent, nocolor, config, build-config. */
  readonly globals: FlagValues;
  /** Flags of the group that stood before the sub-command, if it is one of a group. */
  readonly group: FlagValues | undefined;
  readonly notices: readonly Notice[];
  readonly #fields: ConstructorParameters<typeof Invocation>[0];

  constructor(fields: {
    readonly command: CommandSpec;
    readonly path: readonly string[];
    /** Index of the command's flags, where there is one already. */
    readonly index?: FlagIndex;
    readonly settings: ReadonlyMap<string, readonly FlagSetting[]>;
    readonly args: readonly string[];
    readonly globals: FlagValues;
    readonly group?: FlagValues | undefined;
    readonly notices?: readonly Notice[];
  }) {
    super(fields.path.join(" "), fields.index ?? fields.command.flags, fields.settings);
    this.command = fields.command;
    this.path = fields.path;
    this.args = fields.args;
    this.globals = fields.globals;
    this.group = fields.group;
    this.notices = fields.notices ?? [];
    this.#fields = fields;
  }

  /** The same call with other positional words. */
  withArgs(args: readonly string[]): Invocation {
    return new Invocation({ ...this.#fields, args });
  }
}
