import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { cleanPath, resolvePath } from "../base/path.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import {
  type ArgumentList,
  parseArgumentLines,
  parseBuildArgument,
} from "../format/deffile/build-arguments.ts";
import type { Recipe } from "../format/deffile/recipe.ts";
import { type BindSpec, parseBinds, parseMounts } from "../plan/bind-spec.ts";
import type { Config } from "../plan/config.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { BuildRequest } from "./build.ts";
import { mountWord } from "./mount-word.ts";
import { planStages } from "./plan-stages.ts";
import type { RecordedFlags } from "./record/build-record.ts";
import type { StageOptions } from "./stage.ts";

/** What a request is made of besides the flags. */
export interface RequestInput {
  readonly recipe: Recipe;
  /** Absolute path. */
  readonly target: string;
  /** Whether what is there may be replaced: by flag, or because the user said yes. */
  readonly force: boolean;
  readonly host: HostFacts;
  readonly config: Config;
  /** This program's version, and that of the peer whose behaviour it has. */
  readonly version: string;
  readonly peerVersion: string;
  /** Whether images carry a list of their packages unless told otherwise. */
  readonly withSbom: boolean;
  /** Where finished steps are kept; absent: nowhere. */
  readonly cacheFolder?: string;
  /** Path of the definition, or of the target where there is none. */
  readonly definition: string;
  /** Whether the image holds a record of its inputs. */
  readonly hasRecord: boolean;
  /** Flags of an earlier build that is to be repeated; absent: those of the command line. */
  readonly flags?: RecordedFlags;
}

/** The build that a command line asks for. */
export function requestOf(inv: Invocation, input: RequestInput): BuildRequest {
  const { host, config } = input;
  const cwd = host.cwd ?? "/";
  const flags = input.flags ?? flagsOf(inv, input);
  const binds = givenBinds(inv, cwd);
  const arch = inv.string("arch") === "" ? host.arch : goArch(inv.string("arch"));
  const options: StageOptions = {
    force: input.force,
    sections: flags.sections,
    runTests: !inv.bool("notest"),
    fixPermissions: flags.fixPermissions,
    isSandbox: inv.bool("sandbox"),
    isOciSif: asksForOci(inv),
    binds,
    mounts: binds.map(mountWord),
    containerFlags: ["nv", "rocm", "nvccli"].filter((name) => inv.bool(name)),
    arch,
    version: input.version,
    peerVersion: input.peerVersion,
    shellOnFailure: inv.bool("shell-on-failure"),
  };
  const { recipe, target, cacheFolder } = input;
  const tempFolder = cleanPath(resolvePath(cwd, inv.string("tmpdir")));
  const isUpdate = inv.bool("update");
  return {
    text: recipe.text,
    stages: planStages(recipe, options, isUpdate && !input.force ? target : undefined),
    recipe,
    target,
    format: inv.bool("sandbox") ? "sandbox" : "sif",
    update: isUpdate,
    tempFolder,
    cleanUp: !inv.bool("no-cleanup"),
    options,
    hasRecord: input.hasRecord,
    pack: {
      extraArguments: flags.mksquashfsArgs,
      processors: config.values.mksquashfsProcs,
      memory: config.values.mksquashfsMem,
      hostArch: host.arch,
      arch,
      sourceDateEpoch: flags.sourceDateEpoch ?? undefined,
      // Other programs' images have no such list, and neither have those made under their names.
      ...(input.withSbom && !inv.bool("no-sbom") ? { sbomVersion: input.version } : {}),
    },
    ...(cacheFolder === undefined
      ? {}
      : {
          cache: {
            folder: cacheFolder,
            tempFolder,
            definition: input.definition,
            from: inv.strings("cache-from"),
            arch,
            version: input.version,
            sourceDateEpoch: flags.sourceDateEpoch ?? undefined,
          },
        }),
  };
}

function flagsOf(inv: Invocation, input: RequestInput): RecordedFlags {
  return {
    sections: checkedSections(inv.strings("section")),
    fixPermissions: inv.bool("fix-perms"),
    mksquashfsArgs: inv
      .string("mksquashfs-args")
      .split(/\s+/)
      .filter((word) => word !== ""),
    sourceDateEpoch: sourceDateEpoch(inv, input.host.env) ?? null,
  };
}

/**
 * Arguments of `--build-arg` over those of `--build-arg-file`.
 *
 * @throws Fault for a word that is no `name=value`, or a file that cannot be read.
 */
export function givenArguments(inv: Invocation, cwd: string): ArgumentList {
  const file = inv.string("build-arg-file");
  const list =
    file === ""
      ? { values: new Map<string, string>(), skipped: [] }
      : parseArgumentLines(readLines(resolvePath(cwd, file)), false);
  const values = new Map(list.values);
  for (const word of inv.strings("build-arg")) {
    const argument = parseBuildArgument(word);
    if (argument === undefined) {
      throw new Fault(
        "usage",
        `While processing the definition file: "${word}" is not a key=value pair`,
        { exitCode: 255, hint: "write --build-arg NAME=VALUE" },
      );
    }
    values.set(argument.name, argument.value);
  }
  return { values, skipped: list.skipped };
}

function readLines(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault(
      "not-found",
      `While processing the definition file: error while opening file "${path}": ${reason}`,
      { cause },
    );
  }
  return text.replace(/\n$/, "").split("\n");
}

function checkedSections(sections: readonly string[]): readonly string[] {
  for (const word of ["all", "none"]) {
    if (sections.length < 2 || !sections.includes(word)) continue;
    throw new Fault(
      "usage",
      `Could not check build sections: section specification error: cannot have ${word} and any other option`,
      { exitCode: 255 },
    );
  }
  return sections;
}

function givenBinds(inv: Invocation, cwd: string): readonly BindSpec[] {
  const given = (name: string) =>
    inv.settings(name).map(({ value, source }) => ({ text: value, origin: source }));
  return [...parseBinds(given("bind"), cwd), ...parseMounts(given("mount"), cwd)];
}

/** Seconds of `--source-date-epoch` or SOURCE_DATE_EPOCH; a broken value is no value but an error. */
export function sourceDateEpoch(
  inv: Invocation,
  env: Readonly<Record<string, string>>,
): number | undefined {
  const given = inv.string("source-date-epoch");
  const name = given === "" ? "SOURCE_DATE_EPOCH" : "--source-date-epoch";
  const text = given === "" ? (env["SOURCE_DATE_EPOCH"] ?? "") : given;
  if (text === "") return undefined;
  if (/^[0-9]{1,11}$/.test(text)) return Number(text);
  throw new Fault("usage", `Cannot use ${name} "${text}": it is no number of seconds`, {
    exitCode: 255,
  });
}

/** Names of architectures as the kernel and distributions spell them, by GOARCH name. */
const ARCH_NAMES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  i386: "386",
  i686: "386",
  armhf: "arm",
  armv7l: "arm",
  ppc64el: "ppc64le",
};

function goArch(name: string): string {
  return ARCH_NAMES[name] ?? name;
}
