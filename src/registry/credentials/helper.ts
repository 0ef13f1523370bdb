import { Fault } from "../../base/fault.ts";
import { type Credential, credentialKey, passwordCredential } from "./credential.ts";

const NOT_THERE = /credentials not found|not found in (native )?keychain|does not exist/i;
const LIMIT_MS = 30_000;

/**
 * Asks `docker-credential-NAME` for the credential of a registry; undefined when it has none. Throws
 * a Fault when it is not installed or fails.
 */
export async function askHelper(
  name: string,
  registry: string,
  env: Readonly<Record<string, string>>,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  const said = await runHelper(program, "get", credentialKey(registry), env);
  if (said.code !== 0) {
    if (NOT_THERE.test(said.output)) return undefined;
    throw new Fault(
      "failed",
      `Cannot get the credentials of ${registry}: ${program} failed with status ${said.code}: ${said.output.slice(0, 200)}`,
    );
  }
  try {
    const { Username, Secret } = JSON.parse(said.output) as Record<string, unknown>;
    if (typeof Username !== "string" || typeof Secret !== "string" || Secret === "") {
      return undefined;
    }
    return passwordCredential(Username, Secret, `the credential helper ${program}`);
  } catch {
    throw new Fault(
      "failed",
      `Cannot get the credentials of ${registry}: ${program} answered no JSON`,
    );
  }
}

/** Has `docker-credential-NAME` keep a log-in. Throws a Fault when it is not installed or refuses. */
export async function storeInHelper(
  name: string,
  registry: string,
  login: { readonly username: string; readonly password: string },
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const { password, username } = login;
  const entry = { ServerURL: credentialKey(registry), Username: username, Secret: password };
  await change(`keep the log-in at ${registry}`, name, "store", JSON.stringify(entry), env);
}

/** Has `docker-credential-NAME` forget a log-in. Throws a Fault when it is not installed or refuses. */
export async function eraseFromHelper(
  name: string,
  registry: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await change(`forget the log-in at ${registry}`, name, "erase", credentialKey(registry), env);
}

async function change(
  what: string,
  name: string,
  action: string,
  input: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const program = `docker-credential-${name}`;
  const { code, output } = await runHelper(program, action, input, env);
  if (code === 0) return;
  const said = output === "" ? "" : `: ${output.slice(0, 200)}`;
  throw new Fault("failed", `Cannot ${what}: ${program} failed with status ${code}${said}`);
}

async function runHelper(
  program: string,
  action: string,
  input: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly output: string }> {
  if (/[^A-Za-z0-9._-]/.test(program)) {
    throw new Fault("invalid", `"${program}" is no name of a credential helper`);
  }
  const path = Bun.which(program, { PATH: env["PATH"] ?? "" });
  if (path === null) {
    throw new Fault("missing-tool", `Cannot find the credential helper ${program}`, {
      hint: "install it, or remove it from credHelpers and credsStore of the file of credentials",
    });
  }
  const child = Bun.spawn([path, action], {
    stdin: new Blob([`${input}\n`]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...env },
    timeout: LIMIT_MS,
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  return { code, output: (out.trim() === "" ? err : out).trim() };
}
