import { afterAll, expect, test } from "bun:test";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { skiffPath } from "../support/tree.ts";
import { homesIn } from "./homes.ts";

const TOKEN = "t".repeat(300);
const folder = scratch();
const asked: string[] = [];
const server: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request): Response => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname}`);
    if (pathname === "/assets/config/config.prod.json") {
      return Response.json({
        libraryAPI: { uri: `${base}/library` },
        keystoreAPI: { uri: `${base}/keys/` },
        tokenAPI: { uri: `${base}/token` },
        env: {},
      });
    }
    if (pathname === "/library/version") return Response.json({ data: { version: "v1.2.3" } });
    if (pathname === "/library/v1/rbac/users/current") {
      return request.headers.get("authorization") === `Bearer ${TOKEN}`
        ? Response.json({
            username: "alice",
            email: "a@example.org",
            oidc_user_meta: { secret: "secret" },
          })
        : new Response("", { status: 401 });
    }
    if (pathname === "/token/v1/token-status") {
      const isGood = request.headers.get("authorization") === `Bearer ${TOKEN}`;
      return new Response("", { status: isGood ? 200 : 404 });
    }
    return new Response("", { status: 404 });
  },
});
const base: string = `http://127.0.0.1:${server.port}`;
afterAll(() => void server.stop(true));
const newHome = homesIn(folder);

const remote = (home: string, ...words: string[]): Promise<Finished> =>
  skiff(["remote", ...words], { cwd: home, extraEnv: { HOME: home } });

test("remote add logs in with a token that the service takes, and status tells of its parts", async () => {
  const home = newHome();
  writeFileSync(`${home}/token`, `${TOKEN}\n`);
  const added = await remote(home, "add", "--insecure", "--tokenfile", "token", "site", base);
  expect(added.code).toBe(0);
  expect(readFileSync(`${home}/.skiff/remote.yaml`, "utf8")).toContain(TOKEN);
  const status = await remote(home, "status");
  expect(status.code).toBe(0);
  expect(status.stdout).toMatch(/^Library +OK +v1\.2\.3 +http/m);
  expect(status.stdout).toMatch(/^Keyserver +N\/A +http/m);
  expect(status.stdout).toContain("Logged in as: alice <a@example.org>");
  expect(status.stdout).toContain("logged in");
  expect((await remote(home, "get-login-password")).stdout).toBe("secret\n");
  const list = `${home}/.skiff/remote.yaml`;
  const kept = readFileSync(list, "utf8");
  writeFileSync(list, kept.replace("tttt", "xxxx"));
  const stale = await remote(home, "status");
  expect(stale.code).toBe(255);
  expect(stale.stdout).toContain("Authentication token is invalid (please login again).");
  expect(stale.stderr).toContain("Invalid Credentials");
  writeFileSync(list, kept);
  expect((await remote(home, "logout")).code).toBe(0);
  expect((await remote(home, "get-login-password")).code).toBe(255);
  expect(readFileSync(`${home}/.skiff/remote.yaml`, "utf8")).not.toContain(TOKEN);
});

test("remote login refuses a token that the service does not take", async () => {
  const home = newHome();
  await remote(home, "add", "--insecure", "--no-login", "site", base);
  const refused = await remote(home, "login", "--password", "wrong");
  expect(refused.code).toBe(255);
  expect(refused.stderr).toContain("Invalid Credentials");
  expect(refused.stderr).not.toContain("wrong");
});

test("remote login refuses a file that cannot hold a token", async () => {
  const home = newHome();
  await remote(home, "add", "--insecure", "--no-login", "site", base);
  writeFileSync(`${home}/short`, "token");
  const short = await remote(home, "login", "--tokenfile", "short");
  expect(short.stderr).toContain("token is too short to be valid");
  const missing = await remote(home, "login", "--tokenfile", "missing");
  expect(missing).toMatchObject({ code: 255 });
  expect(missing.stderr).toContain("authentication token file not found");
});

test("a service by plain http must be asked for, and stands in the list as insecure", async () => {
  const home = newHome();
  expect((await remote(home, "add", "--no-login", "site", base)).stderr).toContain("--insecure");
  await remote(home, "add", "--insecure", "--no-login", "site", base);
  expect((await remote(home, "list")).stdout).toMatch(/^site .*✗!$/m);
  expect((await remote(home, "remove", "DefaultRemote")).stderr).toContain("is global");
});

test("the list of services is that which a peer has, and under its name where it has it", async () => {
  const home = newHome();
  const list = `${home}/.apptainer/remote.yaml`;
  const peer = (...words: string[]): Promise<Finished> =>
    run([`${home}/apptainer`, ...words], { cwd: home, extraEnv: { HOME: home } });
  symlinkSync(skiffPath, `${home}/apptainer`);
  const added = await peer("remote", "add", "--insecure", "--no-login", "site", base);
  expect(added.code).toBe(0);
  expect(readFileSync(list, "utf8")).toContain("site");
  expect((await remote(home, "list")).stdout).toMatch(/^site .*✓/m);
  expect((await remote(home, "remove", "site")).code).toBe(0);
  expect(readFileSync(list, "utf8")).not.toContain("site");
});

test("the key server of a service is listed, and older words for key servers are understood", async () => {
  const home = newHome();
  await remote(home, "add", "--insecure", "--no-login", "site", base);
  const call = (...words: string[]): Promise<Finished> =>
    skiff(words, { cwd: home, extraEnv: { HOME: home } });
  const listed = await call("keyserver", "list", "site");
  expect(listed.code).toBe(0);
  expect(listed.stdout).toContain(`#1  ${base}/keys`);
  const old = await call("remote", "add-keyserver", "https://keys.example.org");
  expect(old.code).toBe(255);
  expect(old.stderr).toContain("running 'keyserver add'");
  expect(old.stderr).toContain("root");
});

test("remote use, remove and list keep the list", async () => {
  const home = newHome();
  await remote(home, "add", "--no-login", "one", "https://one.example.org");
  await remote(home, "add", "--no-login", "--no-default", "two", "two.example.org");
  expect((await remote(home, "list")).stdout).toMatch(/^one +one\.example\.org +✓/m);
  expect((await remote(home, "use", "two")).code).toBe(0);
  expect((await remote(home, "list")).stdout).toMatch(/^two +two\.example\.org +✓/m);
  expect((await remote(home, "remove", "one")).code).toBe(0);
  expect((await remote(home, "remove", "one")).code).toBe(255);
  expect((await remote(home, "add", "--no-login", "two", "x")).code).toBe(255);
});
