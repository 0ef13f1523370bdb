/** What can be asked for by name; the words of the reference tool's flags. */
export type Section =
  | "labels"
  | "deffile"
  | "runscript"
  | "startscript"
  | "test"
  | "helpfile"
  | "environment";

/** Every section, for `--all`. */
export const SECTIONS: readonly Section[] = [
  "labels",
  "deffile",
  "runscript",
  "startscript",
  "test",
  "helpfile",
  "environment",
];

/** What the image, or one of its applications, says about itself. Empty texts and maps: not there, or not asked for. */
export interface OwnAttributes {
  /** Texts of environment scripts by their path in the image. */
  readonly environment: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly runscript: string;
  readonly startscript: string;
  readonly test: string;
  readonly helpfile: string;
}

/** The same of a whole image, with its applications (SCIF) by name. */
export interface Attributes extends OwnAttributes {
  readonly apps: ReadonlyMap<string, OwnAttributes>;
  readonly deffile: string;
}

/** What is asked for. */
export interface Selection {
  readonly sections: ReadonlySet<Section>;
  /** Whether the applications are listed. */
  readonly listApps: boolean;
  /**
   * Whose sections: those of the image; of one application instead of the image; or `all`: those of
   * the image and of every application.
   */
  readonly of: { readonly kind: "image" | "all" } | { readonly kind: "app"; readonly name: string };
}

/** Nothing said about anything. */
export const NO_ATTRIBUTES: Attributes = {
  apps: new Map(),
  environment: new Map(),
  labels: new Map(),
  runscript: "",
  startscript: "",
  test: "",
  helpfile: "",
  deffile: "",
};

/** The part of `own` that lies in the wanted sections. */
export function pickSections(own: OwnAttributes, wanted: ReadonlySet<Section>): OwnAttributes {
  const text = (section: "runscript" | "startscript" | "test" | "helpfile"): string =>
    wanted.has(section) ? own[section] : "";
  return {
    environment: wanted.has("environment") ? own.environment : new Map(),
    labels: wanted.has("labels") ? own.labels : new Map(),
    runscript: text("runscript"),
    startscript: text("startscript"),
    test: text("test"),
    helpfile: text("helpfile"),
  };
}
