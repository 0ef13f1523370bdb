import { Fault } from "../../base/fault.ts";
import type { HttpClient } from "../http/client.ts";
import { discoverService, remoteUrl } from "./discover.ts";
import type { LibraryPlace } from "./pull.ts";
import { mergeRemotes, readRemotes, readSystemRemotes } from "./remotes.ts";

export interface LibraryChoice {
  /** Host that the address names. */
  readonly host: string | undefined;
  /** `--library`; "" when not given. */
  readonly given: string;
  readonly noHttps: boolean;
  /** The user's list of services. */
  readonly file: string;
}

/**
 * The library to ask: that of the address, of `--library`, or of the service in use. Only the last
 * one gets the token of the log-in there. Throws a Fault for another one than that of the service
 * which root says is the only one.
 */
export async function findLibrary(http: HttpClient, choice: LibraryChoice): Promise<LibraryPlace> {
  const { file, given, host, noHttps } = choice;
  if (host !== undefined && given !== "") {
    throw new Fault(
      "usage",
      `Conflicting arguments; do not use --library with a library URI containing host name: ${host}`,
      { exitCode: 255 },
    );
  }
  const { active, remotes } = mergeRemotes(readSystemRemotes(), readRemotes(file));
  const remote = remotes.get(active);
  const named = host ?? given;
  if (named !== "") {
    const scheme = noHttps ? "http" : "https";
    const base = /^https?:\/\//.test(named) ? named : `${scheme}://${named}`;
    const address = base.replace(/\/+$/, "");
    if (remote?.isExclusive === true) {
      const only = (await discoverService(http, remoteUrl(remote))).get("library");
      if (only !== address) {
        throw new Fault(
          "denied",
          `Cannot use the library ${address}: endpoint is set as exclusive by the system administrator: only "${only ?? active}" can be used`,
        );
      }
    }
    return { base: address, token: "", service: address };
  }
  const refuse = (why: string): never => {
    throw new Fault(
      "unsupported",
      `There is no library to ask: remote has no library client (${why})`,
      {
        hint: "name one: --library URL, library://HOST/entity/collection/image, or remote add",
      },
    );
  };
  if (remote === undefined) return refuse("no service is in use");
  // The service that the peer comes with has none; asking it would only take time.
  if (remote.uri === "cloud.apptainer.org") return refuse(`"${active}" has none`);
  const service = remoteUrl(remote);
  const base = (await discoverService(http, service)).get("library");
  return base === undefined
    ? refuse(`"${active}" has none`)
    : { base, token: remote.token, service };
}
