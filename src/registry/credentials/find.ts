import { existsSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { type Credential, passwordCredential } from "./credential.ts";
import { credentialIn, helperFor, type NamedHelper, readDockerConfig } from "./docker-config.ts";
import { askHelper } from "./helper.ts";

/** Where credentials are looked for. */
export interface CredentialPlaces {
  readonly env: Readonly<Record<string, string>>;
  /** Name and password that were given outright, with the words for where. */
  readonly given:
    | { readonly username: string; readonly password: string; readonly source: string }
    | undefined;
  /** `--authfile`; "" when not given. */
  readonly authFile: string;
  /** skiff's directory in the user's home (config/user-directory.ts). */
  readonly userDirectory: string;
  readonly home: string | undefined;
}

/** Finds the credential for a repository of a registry; undefined: none, go on as anonymous. */
export type FindCredential = (
  registry: string,
  repository: string,
) => Promise<Credential | undefined>;

/**
 * Order: what was given outright; the file of `--authfile` alone; docker-config.json of skiff and of
 * the peers; Docker's own config.json. The first file that knows the registry counts, in a file its
 * helper before its own entry. `warn` is told of what is wrong and does no harm.
 */
export function credentialFinder(
  places: CredentialPlaces,
  warn: (text: string) => void = () => {},
): FindCredential {
  const told = new Set<string>();
  const warnOnce = (text: string): void => {
    if (!told.has(text)) warn(text);
    told.add(text);
  };
  return async (registry, repository) => {
    const { given } = places;
    if (given !== undefined) {
      return passwordCredential(given.username, given.password, given.source);
    }
    for (const path of credentialFiles(places)) {
      const config = readDockerConfig(path);
      if (config === "missing" || config === "broken") {
        if (path !== places.authFile) {
          if (config === "broken") warnOnce(`${unreadable(path)}: going on without it`);
          continue;
        }
        throw new Fault("not-found", unreadable(path), {
          hint: "it is named by --authfile or its variable; it must be JSON as in Docker's config.json",
        });
      }
      const found =
        (await askNamed(helperFor(config, registry), registry, places, warnOnce)) ??
        credentialIn(config, registry, repository);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function unreadable(path: string): string {
  return `Cannot read the file of credentials "${path}"`;
}

/** A helper for all registries that is not there does no harm: such files are copied from machine to machine. */
async function askNamed(
  helper: NamedHelper | undefined,
  registry: string,
  { env }: CredentialPlaces,
  warn: (text: string) => void,
): Promise<Credential | undefined> {
  if (helper === undefined) return undefined;
  try {
    return await askHelper(helper.name, registry, env);
  } catch (error) {
    if (helper.isOwn || !(error instanceof Fault) || error.code !== "missing-tool") throw error;
    warn(`${error.message}: going on without it`);
    return undefined;
  }
}

/**
 * The file that the peers keep log-ins in: docker-config.json of their settings where there is one;
 * else Docker's own, where other programs find them, unless a variable names the directory of settings.
 */
export function peerLoginFile(places: Omit<CredentialPlaces, "given">): string {
  const { authFile, env, home, userDirectory } = places;
  if (authFile !== "") return authFile;
  const isNamed = ["SKIFF", "APPTAINER", "SINGULARITY"].some((one) => env[`${one}_CONFIGDIR`]);
  const settings = isNamed || home === undefined ? userDirectory : `${home}/.apptainer`;
  const ownFile = `${settings}/docker-config.json`;
  if (existsSync(ownFile)) return ownFile;
  const docker = isNamed ? "" : dockerFolder(places);
  return `${docker === "" ? userDirectory : docker}/config.json`;
}

function dockerFolder({ env, home }: Omit<CredentialPlaces, "given">): string {
  return env["DOCKER_CONFIG"]?.trim() || (home === undefined ? "" : `${home}/.docker`);
}

/** Files of credentials in the order they are asked. */
export function credentialFiles(places: Omit<CredentialPlaces, "given">): readonly string[] {
  const { authFile, home, userDirectory } = places;
  if (authFile !== "") return [authFile];
  const docker = dockerFolder(places);
  const own = [userDirectory];
  if (home !== undefined) own.push(`${home}/.apptainer`, `${home}/.singularity`);
  return [
    ...own.map((folder) => `${folder}/docker-config.json`),
    // Where the peer has them when its directory is named by a variable.
    `${userDirectory}/config.json`,
    ...(docker === "" ? [] : [`${docker}/config.json`]),
  ];
}
