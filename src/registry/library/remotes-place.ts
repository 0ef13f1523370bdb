/** What decides where a user's list of services is. */
export interface RemotesPlaceInputs {
  readonly env: Readonly<Record<string, string>>;
  /** The directory of the user's own files (config/user-directory.ts). */
  readonly userDirectory: string;
  readonly home: string | undefined;
  /** Name that the program was called by. */
  readonly program: "skiff" | "singularity" | "apptainer";
  /** Whether there is a file of that path with something in it. */
  hasContent(path: string): boolean;
}

/**
 * The user's remote.yaml: where CONFIGDIR points to under any prefix; else the first with content of
 * skiff's own and those of the peers, so that a service added by one program serves the others; with
 * none of them, that of the program's name. The rule is that of key rings (trust/key-places.ts).
 */
export function remotesFile(inputs: RemotesPlaceInputs): string {
  const { env, hasContent, home, program, userDirectory } = inputs;
  const own = `${userDirectory}/remote.yaml`;
  const isMoved = ["SKIFF", "APPTAINER", "SINGULARITY"].some((one) =>
    env[`${one}_CONFIGDIR`]?.trim(),
  );
  if (isMoved || home === undefined) return own;
  const apptainer = `${home}/.apptainer/remote.yaml`;
  const singularity = `${home}/.singularity/remote.yaml`;
  const places = {
    skiff: [own, apptainer, singularity],
    apptainer: [apptainer, own, singularity],
    singularity: [apptainer, singularity, own],
  }[program];
  return places.find(hasContent) ?? places[0] ?? own;
}
