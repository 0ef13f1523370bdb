import { Fault } from "../base/fault.ts";
import { cleanPath, resolvePath } from "../base/path.ts";

/** What decides where a user's own files are. */
export interface UserDirectoryInputs {
  readonly env: Readonly<Record<string, string>>;
  /** Home directory of the account, for an environment without HOME. */
  readonly accountHome: string | undefined;
  /** Working directory, for a relative override. */
  readonly cwd: string | undefined;
}

/**
 * Directory of the user's configuration, keys, instances and (below `cache`) cache:
 * SKIFF_CONFIGDIR, APPTAINER_CONFIGDIR or SINGULARITY_CONFIGDIR, else `.skiff` in HOME, else in the
 * account's home. Not created here. Throws a Fault when none of these is known.
 */
export function userDirectory(inputs: UserDirectoryInputs): string {
  for (const prefix of ["SKIFF", "APPTAINER", "SINGULARITY"]) {
    const override = inputs.env[`${prefix}_CONFIGDIR`]?.trim();
    if (override) return resolvePath(inputs.cwd ?? "/", override);
  }
  const home = [inputs.env["HOME"], inputs.accountHome].find((path) => path?.startsWith("/"));
  if (home !== undefined) return cleanPath(`${home}/.skiff`);
  throw new Fault(
    "not-found",
    "Cannot tell the home directory: HOME is not set and the account is unknown",
    {
      hint: "set HOME or SKIFF_CONFIGDIR",
    },
  );
}
