import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import {
  askUser,
  checkToken,
  discoverService,
  remoteUrl,
} from "../../registry/library/discover.ts";
import { readIfThere } from "../../registry/local-files.ts";
import { known, type RemoteCall, setRemote } from "./call.ts";

/** Bytes of tokens that a file may hold, as the peer has it. */
const SHORTEST_TOKEN = 200;
const LONGEST_TOKEN = 4096;

/** `remote login`: keeps a token that the service takes. */
export async function login(call: RemoteCall, name: string): Promise<number> {
  const { inv, ctx, http, list } = call;
  const remote = known(list, name);
  const insecure = remote.isInsecure || (inv.has("insecure") && inv.bool("insecure"));
  const base = remoteUrl({ ...remote, isInsecure: insecure });
  const token = await readToken(call, base);
  await checkToken(http, await discoverService(http, base), token);
  setRemote(call, name, { ...remote, token });
  ctx.log.info("Access Token Verified!");
  ctx.log.info(`Token stored in ${call.file}`);
  return 0;
}

async function readToken({ inv, ctx }: RemoteCall, base: string): Promise<string> {
  const file = inv.string("tokenfile");
  const has = (name: string): boolean => inv.has(name) && inv.isSet(name);
  if (file !== "") return readTokenFile(file);
  if (has("password")) return inv.string("password");
  if (has("password-stdin")) return readFileSync(0, "utf8").trim();
  ctx.printError(`Generate an access token at ${base}/auth/tokens, and paste it here.\n`);
  const { askSecret } = await import("../../terminal/ask.ts");
  const token = askSecret("Access Token: ", (text) => ctx.printError(text))?.trim() ?? "";
  if (token !== "") return token;
  throw new Fault("usage", "No token was given", { exitCode: 255, hint: "use --tokenfile" });
}

/** Throws a Fault for a file that holds no token. */
function readTokenFile(file: string): string {
  const text = readIfThere(file);
  if (text === undefined) {
    throw new Fault("not-found", `while reading tokenfile: authentication token file not found`, {
      hint: `cannot read "${file}"`,
    });
  }
  const token = text.trim();
  if (token.length >= SHORTEST_TOKEN && token.length <= LONGEST_TOKEN) return token;
  const why = token.length < SHORTEST_TOKEN ? "short" : "long";
  throw new Fault("invalid", `while reading tokenfile: token is too ${why} to be valid`);
}

/** `remote get-login-password`: prints the password for the registry of the service in use. */
export async function showPassword({ ctx, http, list }: RemoteCall): Promise<number> {
  const remote = known(list, list.active);
  const library = (await discoverService(http, remoteUrl(remote))).get("library");
  if (library === undefined) throw new Fault("unsupported", `"${list.active}" has no library`);
  const user = remote.token === "" ? undefined : await askUser(http, library, remote.token);
  if (user === undefined) {
    throw new Fault("denied", `Cannot get the password: nobody is logged in at "${list.active}"`, {
      hint: "log in with: remote login",
    });
  }
  ctx.print(`${user.registryPassword}\n`);
  return 0;
}
