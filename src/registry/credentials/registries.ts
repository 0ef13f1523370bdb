import type { RemoteList } from "../library/remotes.ts";

type Table = Readonly<Record<string, unknown>>;

/** A registry as the user named it when logging in, such as `oras://host:5000`. */
export interface NamedRegistry {
  readonly uri: string;
  /** Host and port. */
  readonly host: string;
  readonly isInsecure: boolean;
}

const REGISTRY = /^(?:docker|oras):\/\/([^/]+)$/;

/** Registries that the list of services says the user logged in at, in the order of the log-ins. */
export function registriesOf(list: RemoteList): readonly NamedRegistry[] {
  return credentials(list).flatMap(({ URI, Insecure }) => {
    const uri = typeof URI === "string" ? URI : "";
    const host = REGISTRY.exec(uri)?.[1];
    return host === undefined ? [] : [{ uri, host, isInsecure: Insecure === true }];
  });
}

/** The list with that log-in; what else it says about registries and key servers stays. */
export function withRegistry(list: RemoteList, uri: string): RemoteList {
  const others = credentials(list).filter((one) => one["URI"] !== uri);
  return withCredentials(list, [...others, { URI: uri, Insecure: false }]);
}

/** The list without any log-in at the registry, by whatever transport it was named. */
export function withoutRegistry(list: RemoteList, host: string): RemoteList {
  const isOther = ({ URI }: Table): boolean => REGISTRY.exec(String(URI))?.[1] !== host;
  return withCredentials(list, credentials(list).filter(isOther));
}

function withCredentials(list: RemoteList, Credentials: readonly Table[]): RemoteList {
  const { Credentials: _, ...rest } = list.rest;
  return { ...list, rest: Credentials.length === 0 ? rest : { ...rest, Credentials } };
}

function credentials({ rest }: RemoteList): readonly Table[] {
  const found = rest["Credentials"];
  return Array.isArray(found) ? found.filter((one) => typeof one === "object" && one !== null) : [];
}
