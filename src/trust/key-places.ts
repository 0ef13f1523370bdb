/** What decides where key rings are. */
export interface KeyPlaceInputs {
  readonly env: Readonly<Record<string, string>>;
  /** The directory of the user's own files (config/user-directory.ts). */
  readonly userDirectory: string;
  readonly home: string | undefined;
  /** Name that the program was called by. */
  readonly program: "skiff" | "singularity" | "apptainer";
  /** Whether there is a file of that path with something in it. */
  hasContent(path: string): boolean;
}

export const PUBLIC_RING: string = "pgp-public";
export const SECRET_RING: string = "pgp-secret";
export const GLOBAL_RING: string = "global-pgp-public";

/**
 * The directory of the user's key rings. KEYSDIR or SYPGPDIR under any prefix, else `keys` where
 * CONFIGDIR points to; else the first that holds keys of skiff's own and those of the peers, so that
 * keys made by one program serve the others; without keys, that of the program's name.
 */
export function keyDirectory(inputs: KeyPlaceInputs): string {
  const { env, home, program, userDirectory } = inputs;
  const prefixes = ["SKIFF", "APPTAINER", "SINGULARITY"];
  for (const suffix of ["KEYSDIR", "SYPGPDIR"]) {
    for (const prefix of prefixes) {
      const given = env[`${prefix}_${suffix}`]?.trim();
      if (given) return given;
    }
  }
  const own = `${userDirectory}/keys`;
  const isMoved = prefixes.some((prefix) => env[`${prefix}_CONFIGDIR`]?.trim());
  if (isMoved || home === undefined) return own;
  const apptainer = `${home}/.apptainer/keys`;
  const singularity = `${home}/.singularity/keys`;
  const places = {
    skiff: [own, apptainer, singularity],
    apptainer: [apptainer, own, singularity],
    singularity: [apptainer, singularity, own],
  }[program];
  const hasKeys = (place: string): boolean =>
    [PUBLIC_RING, SECRET_RING].some((name) => inputs.hasContent(`${place}/${name}`));
  // The name that SingularityCE has for the directory.
  return [...places, `${home}/.singularity/sypgp`].find(hasKeys) ?? places[0] ?? own;
}

/** Files that may be the system's key ring, the first that exists counts. `prefix`: that of an installation, "" for none. */
export function globalRings(prefix: string): readonly string[] {
  const own = prefix === "" || prefix === "/" ? [] : [`${prefix}/etc/skiff`];
  const places = [...own, "/etc/skiff", "/etc/apptainer", "/etc/singularity"];
  return places.map((place) => `${place}/${GLOBAL_RING}`);
}
