import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { noTool } from "../support/host-lacks.ts";
import { asOrdinaryUser, isRoot, ordinaryUser } from "../support/ordinary-user.ts";

/** A registry on loopback, run as the ordinary user. */
export interface LocalRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly url: string;
  /** Requests so far, `METHOD /path`, in the order in which they were answered. */
  requests(): readonly string[];
  stop(): Promise<void>;
}

export interface RegistryChoices {
  /** An empty directory that belongs to the ordinary user. */
  readonly folder: string;
  /** Name and password that are asked for; made by htpasswd's format with bcrypt. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** Why no registry can be started here, or undefined. */
export function noRegistry(): string | undefined {
  if (ordinaryUser() === undefined) return "there is no ordinary user on this machine";
  return noTool("docker-registry");
}

/** A TCP port of loopback that nobody uses right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Starts Debian's docker-registry and waits until it answers. */
export async function startRegistry(choices: RegistryChoices): Promise<LocalRegistry> {
  const { folder, login } = choices;
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const log = `${folder}/registry.log`;
  const auth =
    login === undefined
      ? {}
      : { auth: { htpasswd: { realm: "test", path: `${folder}/htpasswd` } } };
  mkdirSync(`${folder}/store`, { recursive: true, mode: 0o777 });
  // JSON is YAML.
  writeFileSync(
    `${folder}/config.yml`,
    JSON.stringify({
      version: 0.1,
      log: { level: "info", formatter: "json" },
      storage: { filesystem: { rootdirectory: `${folder}/store` }, delete: { enabled: true } },
      http: { addr: host },
      ...auth,
    }),
  );
  if (login !== undefined) {
    const hash = await Bun.password.hash(login.password, { algorithm: "bcrypt", cost: 4 });
    writeFileSync(`${folder}/htpasswd`, `${login.username}:${hash.replace("$2b$", "$2y$")}\n`);
  }
  const user = ordinaryUser();
  if (isRoot && user !== undefined) {
    Bun.spawnSync(["chown", "-R", `${user.uid}:${user.gid}`, folder]);
  }
  const child = Bun.spawn(
    [...asOrdinaryUser(), "/usr/bin/docker-registry", "serve", `${folder}/config.yml`],
    { cwd: "/", stdin: "ignore", stdout: Bun.file(log), stderr: Bun.file(`${log}.err`) },
  );
  await answers(`http://${host}/v2/`, child);
  return {
    host,
    url: `http://${host}`,
    requests: () => [...readRequests(log), ...readRequests(`${log}.err`)],
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}

async function answers(url: string, child: Bun.Subprocess): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch {
      if (child.exitCode !== null) break;
      await Bun.sleep(25);
    }
  }
  throw new Error(`docker-registry does not answer at ${url}`);
}

/** Answered requests as the registry's log has them. */
function readRequests(path: string): string[] {
  const found: string[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (!line.startsWith("{") || !line.includes("response completed")) continue;
    const entry = JSON.parse(line) as Record<string, string>;
    found.push(`${entry["http.request.method"]} ${entry["http.request.uri"]}`);
  }
  return found;
}
