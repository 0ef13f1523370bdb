/** What a registry is shown, and where it came from. */
export interface Credential {
  readonly kind: "password" | "identity-token" | "registry-token";
  /** Empty for tokens. */
  readonly username: string;
  /** Password, identity token (for a token service) or registry token (sent as it is). */
  readonly secret: string;
  /** Where it came from, for messages: a variable, an option, a file or a credential helper. */
  readonly source: string;
}

/** Name that marks the secret of a helper or file as an identity token. */
const TOKEN_USER = "<token>";

/** A credential from name and secret as files and helpers have them. */
export function passwordCredential(username: string, secret: string, source: string): Credential {
  return username === TOKEN_USER
    ? { kind: "identity-token", username: "", secret, source }
    : { kind: "password", username, secret, source };
}

/** Key of Docker Hub in files of credentials. */
export const HUB_KEY = "https://index.docker.io/v1/";

/** The name that files of credentials have for a registry: itself, but Docker Hub has its own. */
export function credentialKey(registry: string): string {
  return registry === "docker.io" ? HUB_KEY : registry;
}

/** Value of an Authorization header with name and password. */
export function basicAuthorization({ username, secret }: Credential): string {
  return `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;
}
