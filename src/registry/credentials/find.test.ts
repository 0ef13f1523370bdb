import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Fault } from "../../base/fault.ts";
import { credentialFinder } from "./find.ts";
import { listLogins, removeLogin, storeLogin } from "./store.ts";

const home = mkdtempSync(`${tmpdir()}/skiff-credentials-`);
afterAll(() => rmSync(home, { recursive: true, force: true }));

const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });
const write = (path: string, value: unknown): string => {
  mkdirSync(`${home}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  writeFileSync(`${home}/${path}`, JSON.stringify(value));
  return `${home}/${path}`;
};
const places = {
  env: { PATH: `${home}/bin:/usr/bin:/bin` },
  given: undefined,
  authFile: "",
  userDirectory: `${home}/.skiff`,
  home,
};

const own = write(".skiff/docker-config.json", {
  auths: { "own.example.org": auth("bob:pass:word"), "both.example.org": auth("a:own") },
});
const peers = write(".apptainer/docker-config.json", {
  auths: { "https://peer.example.org/v1/": auth("<token>:identity") },
});
const docker = write(".docker/config.json", {
  auths: {
    "https://index.docker.io/v1/": auth("hub:secret"),
    "both.example.org": auth("a:docker"),
    "paths.example.org": auth("all:x"),
    "paths.example.org/team": auth("team:y"),
    "token.example.org": { registrytoken: "rt" },
  },
  credHelpers: { "helped.example.org": "test-one", "empty.example.org": "test-one" },
});
mkdirSync(`${home}/bin`);
writeFileSync(
  `${home}/bin/docker-credential-test-one`,
  `#!/bin/sh
read -r server
[ "$1" = get ] || exit 2
case $server in
  helped.example.org) echo '{"ServerURL":"x","Username":"helper","Secret":"s3"}' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`,
);
chmodSync(`${home}/bin/docker-credential-test-one`, 0o755);

test.each([
  ["own.example.org", "x", { kind: "password", username: "bob", secret: "pass:word", source: own }],
  ["both.example.org", "x", { kind: "password", username: "a", secret: "own", source: own }],
  [
    "peer.example.org",
    "x",
    { kind: "identity-token", username: "", secret: "identity", source: peers },
  ],
  [
    "docker.io",
    "library/a",
    { kind: "password", username: "hub", secret: "secret", source: docker },
  ],
  [
    "paths.example.org",
    "team/x",
    { kind: "password", username: "team", secret: "y", source: docker },
  ],
  [
    "paths.example.org",
    "teams/x",
    { kind: "password", username: "all", secret: "x", source: docker },
  ],
  [
    "token.example.org",
    "x",
    { kind: "registry-token", username: "", secret: "rt", source: docker },
  ],
  [
    "helped.example.org",
    "x",
    {
      kind: "password",
      username: "helper",
      secret: "s3",
      source: "the credential helper docker-credential-test-one",
    },
  ],
  ["empty.example.org", "x", undefined],
  ["unknown.example.org", "x", undefined],
])("credentialFinder() for %s and %s", async (registry, repository, expected) => {
  expect(await credentialFinder(places)(registry, repository)).toEqual(expected as never);
});

test("credentialFinder() takes what was given outright first, then only the given file", async () => {
  const given = { username: "u", password: "p", source: "DOCKER_PASSWORD" };
  const outright = await credentialFinder({ ...places, given })("own.example.org", "x");
  expect(outright).toMatchObject({ username: "u", source: "DOCKER_PASSWORD" });
  const file = write("given.json", { auths: { "x.example.org": auth("file:1") } });
  const find = credentialFinder({ ...places, authFile: file });
  expect(await find("x.example.org", "x")).toMatchObject({ username: "file", source: file });
  expect(await find("own.example.org", "x")).toBeUndefined();
});

test("credentialFinder() tells of a given file that is not there and of a helper that is not installed", async () => {
  const missing = credentialFinder({ ...places, authFile: `${home}/none.json` });
  await expect(missing("x.example.org", "x")).rejects.toThrow(Fault);
  const credHelpers = { "x.example.org": "not-installed" };
  const find = credentialFinder({ ...places, authFile: write("helper.json", { credHelpers }) });
  await expect(find("x.example.org", "x")).rejects.toThrow("docker-credential-not-installed");
});

test("credentialFinder() goes on without a helper for all that is not installed", async () => {
  const said: string[] = [];
  const authFile = write("store.json", {
    credsStore: "not-installed",
    auths: { "x.example.org": auth("file:1") },
  });
  const find = credentialFinder({ ...places, authFile }, (text) => said.push(text));
  expect(await find("x.example.org", "x")).toMatchObject({ username: "file" });
  expect(said.join()).toContain("docker-credential-not-installed");
});

test("credentialFinder() warns once of a file that it cannot read, and goes on", async () => {
  const said: string[] = [];
  const broken = `${home}/broken`;
  mkdirSync(broken);
  writeFileSync(`${broken}/config.json`, "{broken");
  const find = credentialFinder({ ...places, env: { DOCKER_CONFIG: broken } }, (text) =>
    said.push(text),
  );
  expect(await find("own.example.org", "x")).toMatchObject({ username: "bob" });
  expect(said).toEqual([]);
  expect(await find("x.example.org", "x")).toBeUndefined();
  expect(await find("x.example.org", "y")).toBeUndefined();
  expect(said).toEqual([
    `Cannot read the file of credentials "${broken}/config.json": going on without it`,
  ]);
});

test("storeLogin() and removeLogin() keep what else a file holds", async () => {
  const file = write("login.json", {
    credsStore: "",
    auths: { "a.example.org": auth("a:1") },
    x: 1,
  });
  const { env } = places;
  await storeLogin(file, { registry: "b.example.org:5000", username: "bob", password: "s:t" }, env);
  await storeLogin(file, { registry: "docker.io", username: "hub", password: "t" }, env);
  expect(listLogins(file)).toEqual(["a.example.org", "b.example.org:5000", "docker.io"]);
  const find = credentialFinder({ ...places, authFile: file });
  expect(await find("b.example.org:5000", "x")).toMatchObject({ username: "bob", secret: "s:t" });
  expect(await find("docker.io", "x")).toMatchObject({ username: "hub" });
  expect(await removeLogin(file, "b.example.org:5000", env)).toBe(true);
  expect(await removeLogin(file, "b.example.org:5000", env)).toBe(false);
  expect(JSON.parse(await Bun.file(file).text())).toMatchObject({ x: 1 });
  expect(listLogins(`${home}/none.json`)).toEqual([]);
});

test("storeLogin() and removeLogin() leave the password to the helper that the file names", async () => {
  writeFileSync(
    `${home}/bin/docker-credential-keeper`,
    `#!/bin/sh
kept=${home}/kept
case $1 in
  store) cat >$kept ;;
  get) [ -e $kept ] && cat $kept || { echo 'credentials not found in native keychain'; exit 1; } ;;
  erase) rm $kept ;;
esac
`,
  );
  chmodSync(`${home}/bin/docker-credential-keeper`, 0o755);
  const { env } = places;
  const file = write("kept.json", { credsStore: "keeper" });
  const login = { registry: "x.example.org", username: "bob", password: "s:t" };
  await storeLogin(file, login, env);
  expect(JSON.parse(await Bun.file(file).text())).toEqual({
    credsStore: "keeper",
    auths: { "x.example.org": {} },
  });
  expect(JSON.parse(await Bun.file(`${home}/kept`).text())).toEqual({
    ServerURL: "x.example.org",
    Username: "bob",
    Secret: "s:t",
  });
  const find = credentialFinder({ ...places, authFile: file });
  expect(await find("x.example.org", "x")).toMatchObject({ username: "bob", secret: "s:t" });
  expect(await removeLogin(file, "x.example.org", env)).toBe(true);
  expect(await removeLogin(file, "x.example.org", env)).toBe(false);
  expect(await find("x.example.org", "x")).toBeUndefined();
  const said: string[] = [];
  const lost = write("lost.json", { credsStore: "not-installed" });
  await storeLogin(lost, login, env, (line) => said.push(line));
  expect(said.join()).toContain(`the password is kept in "${lost}"`);
  expect(await removeLogin(lost, "x.example.org", env)).toBe(true);
  const other = write("unkept.json", { credHelpers: { "x.example.org": "not-installed" } });
  await expect(storeLogin(other, login, env)).rejects.toThrow("docker-credential-not-installed");
});
