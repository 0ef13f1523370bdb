import type { StageRecipe } from "../../format/deffile/recipe.ts";

/** What automatic labels are made of (reference: deffile.md section 6). */
export interface LabelInput {
  readonly recipe: StageRecipe;
  /** Labels that the root has from its base image. */
  readonly existing: ReadonlyMap<string, string>;
  /** Lines that `%post` appended to `$APPTAINER_LABELS`. */
  readonly fromPost: ReadonlyMap<string, string>;
  readonly time: Date;
  /** GOARCH name. */
  readonly arch: string;
  /** This program's version, and that of the peer whose behaviour it has. */
  readonly version: string;
  readonly peerVersion: string;
  /** Whether `%help`, `%labels` are to be stored (`--section`). */
  readonly withHelp: boolean;
  readonly withLabels: boolean;
  /** Header labels are left out when an existing sandbox is updated. */
  readonly withHeader: boolean;
  readonly force: boolean;
}

/**
 * Labels of the image and warnings for the ones of `%labels` that lost. Precedence, weakest first:
 * existing, those of `%post`, the automatic ones; `%labels` only adds, unless forced.
 */
export function mergeLabels(input: LabelInput): {
  readonly labels: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
} {
  const labels = new Map([...input.existing, ...input.fromPost, ...automaticLabels(input)]);
  const warnings: string[] = [];
  for (const [key, value] of input.withLabels ? input.recipe.labels : []) {
    if (labels.has(key) && !input.force) {
      warnings.push(`Label: ${key} already exists and force option is false, not overwriting`);
    } else {
      labels.set(key, value);
    }
  }
  return { labels, warnings };
}

function automaticLabels(input: LabelInput): ReadonlyMap<string, string> {
  const prefix = "org.label-schema";
  const labels = new Map([
    [`${prefix}.schema-version`, "1.0"],
    [`${prefix}.build-date`, buildDate(input.time)],
    [`${prefix}.build-arch`, input.arch],
    [`${prefix}.usage.apptainer.version`, input.peerVersion],
    [`${prefix}.usage.skiff.version`, input.version],
  ]);
  if (input.withHelp && input.recipe.help !== undefined) {
    labels.set(`${prefix}.usage`, "/.singularity.d/runscript.help");
    labels.set(`${prefix}.usage.apptainer.runscript.help`, "/.singularity.d/runscript.help");
  }
  for (const [key, value] of input.withHeader ? Object.entries(input.recipe.header) : []) {
    labels.set(`${prefix}.usage.singularity.deffile.${key}`, value);
  }
  return labels;
}

/** `Weekday_D_Month_YYYY_H:M:S_UTC`, numbers without leading zeros. */
export function buildDate(time: Date): string {
  const name = (options: Intl.DateTimeFormatOptions): string =>
    time.toLocaleDateString("en-US", { ...options, timeZone: "UTC" });
  const day = `${name({ weekday: "long" })}_${time.getUTCDate()}_${name({ month: "long" })}`;
  const clock = `${time.getUTCHours()}:${time.getUTCMinutes()}:${time.getUTCSeconds()}`;
  return `${day}_${time.getUTCFullYear()}_${clock}_UTC`;
}
