import type { FlagAlias, FlagSpec, PackedFlag } from "./spec.ts";

/** Rows of a table of flags. */
export function packFlags(flags: readonly FlagSpec[]): readonly PackedFlag[] {
  return flags.map((flag) => [
    flag.name,
    flag.short ?? "",
    flag.kind,
    (flag.env ?? []).join(" "),
    (flag.bareEnv ?? []).join(" "),
    flag.default ?? "",
    JSON.stringify(flag),
  ]);
}

/** The flags that were packed. */
export function unpackFlags(rows: readonly PackedFlag[]): readonly FlagSpec[] {
  return rows.map(unpackFlag);
}

export function unpackFlag(row: PackedFlag): FlagSpec {
  return JSON.parse(row[6]) as FlagSpec;
}

/** Looks rows up by name. */
export class FlagIndex {
  readonly rows: readonly PackedFlag[];
  /** Those that a variable without prefix can set. */
  readonly bareRows: readonly PackedFlag[];
  readonly #byName: Map<string, PackedFlag> = new Map();

  constructor(rows: readonly PackedFlag[]) {
    const bareRows: PackedFlag[] = [];
    for (let at = 0; at < rows.length; at += 1) {
      const row = rows[at] as PackedFlag;
      this.#byName.set(row[0], row);
      if (row[4] !== "") bareRows.push(row);
    }
    this.rows = rows;
    this.bareRows = bareRows;
  }

  /** The flag of that main name. */
  get(name: string): PackedFlag | undefined {
    return this.#byName.get(name);
  }

  /** The other spelling of that name, with the main name of its flag. */
  getAlias(name: string): (FlagAlias & { readonly flag: string }) | undefined {
    for (const row of this.rows) {
      // Few flags have aliases: look into those only.
      if (!row[6].includes('"aliases"')) continue;
      const alias = unpackFlag(row).aliases?.find((one) => one.name === name);
      if (alias !== undefined) return { ...alias, flag: row[0] };
    }
    return undefined;
  }

  getByShort(letter: string): PackedFlag | undefined {
    for (let at = 0; at < this.rows.length; at += 1) {
      const row = this.rows[at] as PackedFlag;
      if (row[1] === letter) return row;
    }
    return undefined;
  }
}
