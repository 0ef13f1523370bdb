import { copyFileSync, mkdirSync } from "node:fs";
import { type Finished, type RunOptions, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { skiffPath } from "../support/tree.ts";
import { fixtures } from "./fixtures.ts";

/** A directory with key rings of its own, and skiff started in it. */
export interface Desk {
  readonly dir: string;
  /** Runs skiff, or with `as` under that name. */
  skiff(
    args: readonly string[],
    options?: RunOptions & { readonly name?: string },
  ): Promise<Finished>;
  /** A copy of a fixture that may be changed. */
  image(fixture?: string): Promise<string>;
}

/** To be called at the top level of a test file. */
export function desk(): Desk {
  const dir = scratch("self");
  mkdirSync(`${dir}/bin`);
  let count = 0;
  return {
    dir,
    skiff: async (args, { name = "skiff", ...options } = {}) => {
      const program = `${dir}/bin/${name}`;
      await run(["ln", "-sfn", skiffPath, program], { as: "self" });
      return await run([program, ...args], {
        as: "self",
        cwd: dir,
        ...options,
        extraEnv: { SKIFF_CONFIGDIR: `${dir}/config`, ...options.extraEnv },
      });
    },
    image: async (fixture = "one-group") => {
      const path = `${dir}/image${count++}.sif`;
      copyFileSync(`${fixtures}/${fixture}.sif`, path);
      await run(["chmod", "644", path], { as: "self" });
      return path;
    },
  };
}

/** A desk with one key, whose passphrase is "secret" and which is made when it is first asked for. */
export interface KeyDesk extends Desk {
  /** Its fingerprint. */
  ownKey(): Promise<string>;
}

/** To be called at the top level of a test file. */
export function keyDesk(): KeyDesk {
  const place = desk();
  let made: Promise<string> | undefined;
  const make = async (): Promise<string> => {
    const owner = ["--name", "A User", "--email", "user@example.org", "--comment", "test"];
    const args = ["key", "newpair", ...owner, "--password", "secret", "-b", "2048", "--push=false"];
    const { code, stderr } = await place.skiff(args);
    if (code !== 0) throw new Error(stderr);
    const { stdout } = await place.skiff(["key", "list", "--secret"]);
    return /Fingerprint: +([0-9A-F]{40})\n/.exec(stdout)?.[1] ?? "";
  };
  return {
    ...place,
    ownKey: () => {
      made ??= make();
      return made;
    },
  };
}
