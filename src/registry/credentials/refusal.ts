import { HttpFault } from "../http/http-fault.ts";
import type { Credential } from "./credential.ts";

/** The Fault for credentials that are missing or refused: says where they came from. */
export function credentialRefusal(
  registry: string,
  credential: Credential | undefined,
  said: string,
): HttpFault {
  const detail = said === "" ? "" : `: ${said}`;
  const login = `registry login --username NAME docker://${registry}`;
  if (credential === undefined) {
    return new HttpFault(
      401,
      `${registry} asks for credentials and there are none for it (401)${detail === "" ? ": authentication required" : detail}`,
      { hint: `log in with "${login}"` },
    );
  }
  const { secret, username } = credential;
  const how = secret === "" ? "without a password," : "with the password";
  const who = username === "" ? "the token" : `"${username}" ${how}`;
  return new HttpFault(401, `${registry} refuses ${who} from ${credential.source} (401)${detail}`, {
    hint: `correct them there, or log in with "${login}"`,
  });
}
