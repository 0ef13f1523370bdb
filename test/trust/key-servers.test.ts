import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { parseKeyIndex } from "../../src/format/hkp/key-index.ts";
import { HttpClient } from "../../src/registry/http/client.ts";
import { keyServerUrl } from "../../src/registry/keyserver/address.ts";
import { getFromAny, KeyServerClient } from "../../src/registry/keyserver/client.ts";
import {
  addServer,
  loginOf,
  removeServer,
  serversOf,
  withLogin,
} from "../../src/registry/keyserver/servers.ts";
import { parseRemotes } from "../../src/registry/library/remotes.ts";
import { run } from "../support/run.ts";
import { fixtures, UNIT_TEST } from "./fixtures.ts";
import { startKeyServer } from "./key-server.ts";
import { desk } from "./signer.ts";

const { dir, skiff } = desk();
const server = startKeyServer();
const locked = startKeyServer(`Basic ${btoa("user:secret")}`);
afterAll(() => {
  server.stop();
  locked.stop();
});
const armored = readFileSync(`${fixtures}/keys/unit-test-pgp-public.asc`, "utf8");
server.keys.set(UNIT_TEST, { armored, userId: "Unit Test <unit@test.com>" });
const image = `${fixtures}/one-group-signed-pgp.sif`;

test("key search shows short and long lists, all pages of them", async () => {
  const extra = startKeyServer();
  extra.keys.set(UNIT_TEST, { armored, userId: "Unit Test <unit@test.com>" });
  extra.keys.set("f".repeat(40), { armored: "", userId: "Unit Two <two@test.com>" });
  const short = await skiff(["key", "search", "-u", extra.url, "unit"]);
  expect(short.stdout).toBe(
    "Showing 2 results\n\nKEY ID    BITS  NAME/EMAIL\n7FF7BA84  2048  Unit Test <unit@test.com>\n\nFFFFFFFF  2048  Unit Two <two@test.com>\n",
  );
  const long = await skiff(["key", "search", "-l", "-u", extra.url, "unit"]);
  expect(long.stdout).toContain(
    `${UNIT_TEST.toUpperCase()}  RSA        2048  2020-04-27 21:38:56 +0000 UTC                   [enabled]  Unit Test`,
  );
  expect(extra.requests[0]).toBe(
    "GET /pks/lookup?fingerprint=on&op=index&options=mr&search=unit&x-pagesize=256",
  );
  const none = await skiff(["key", "search", "-u", extra.url, "nobody"]);
  expect(none).toMatchObject({ code: 2, stdout: "" });
  expect(none.stderr).toContain("search failed: no matching keys found");
  extra.stop();
});

test("key search, pull and push end with another status where nobody can be asked", async () => {
  const place = `${dir}/no-service`;
  mkdirSync(place);
  const list =
    "Active: none\nRemotes:\n    none:\n        URI: 127.0.0.1:1\n        System: false\n";
  writeFileSync(`${place}/remote.yaml`, list, { mode: 0o600 });
  for (const words of [
    ["search", "x"],
    ["pull", UNIT_TEST],
    ["search", "-u", "ftp://x", "x"],
  ]) {
    const done = await skiff(["key", ...words], { extraEnv: { SKIFF_CONFIGDIR: place } });
    expect([done.code, done.stderr]).toEqual([
      255,
      expect.stringMatching(/^FATAL: +Keyserver client failed: /),
    ]);
  }
});

test("key pull takes a key by fingerprint and id, once; key push gives it back", async () => {
  const env = { extraEnv: { SKIFF_KEYSDIR: `${dir}/pulled` } };
  const pull = (id: string) => skiff(["key", "pull", "-u", server.url, id], env);
  expect(await pull(UNIT_TEST.toUpperCase())).toMatchObject({
    code: 0,
    stdout: `1 key(s) added to keyring of trust ${dir}/pulled/pgp-public\n`,
  });
  expect((await pull("7FF7BA84")).stdout).toStartWith("0 key(s) added");
  expect(await pull("7FF7BA85")).toMatchObject({ code: 2 });
  expect((await pull("zz")).stderr).toContain("is no fingerprint");
  const other = startKeyServer();
  const pushed = await skiff(["key", "push", "-u", other.url, UNIT_TEST], env);
  expect(pushed.stdout).toContain("pushed to server successfully");
  expect(pushed.stderr).toContain("Key server response: stored");
  expect([...other.keys.keys()]).toEqual([UNIT_TEST]);
  other.stop();
});

test("a server that answers with another key than the asked one is not believed", async () => {
  const liar = startKeyServer();
  liar.keys.set("0".repeat(32) + "deadbeef", { armored, userId: "x" });
  const env = { extraEnv: { SKIFF_KEYSDIR: `${dir}/lied-to` } };
  const pulled = await skiff(["key", "pull", "-u", liar.url, "deadbeef"], env);
  expect(pulled.code).toBe(2);
  expect(pulled.stderr).toContain("no matching keys found");
  liar.stop();
});

test("verify asks a key server when told to, and only then", async () => {
  const env = { extraEnv: { SKIFF_KEYSDIR: `${dir}/none` } };
  const before = server.requests.length;
  expect((await skiff(["verify", image], env)).code).toBe(4);
  expect((await skiff(["verify", image], { ...env, name: "apptainer" })).code).toBe(255);
  const local = await skiff(["verify", "--local", "-u", server.url, image], env);
  expect(local.code).toBe(4);
  expect(server.requests.length).toBe(before);
  const told = await skiff(["verify", "-u", server.url, image], { ...env, name: "apptainer" });
  expect(told.stdout).toContain("[REMOTE]           Signing entity: Unit Test <unit@test.com>");
  expect(server.requests.at(-1)).toBe("GET /pks/lookup?exact=on&op=get&search=0xa20c27ee7ff7ba84");
  const json = await skiff(["verify", "-j", "-u", server.url, image], env);
  expect(JSON.parse(json.stdout).SignerKeys[0].Signer.KeyLocal).toBe(false);
});

test("keyserver login keeps what is sent to that server from then on, and logout forgets it", async () => {
  locked.keys.set(UNIT_TEST, { armored, userId: "Unit Test <unit@test.com>" });
  const search = () => skiff(["key", "search", "-u", locked.url, "unit"]);
  expect((await search()).stderr).toContain("keyserver login");
  const wrong = await skiff(["keyserver", "login", "-u", "user", "--password-stdin", locked.url], {
    stdin: "wrong\n",
  });
  expect(wrong.code).toBe(255);
  const login = ["keyserver", "login", "-u", "user", "--password-stdin", locked.url];
  expect(await skiff(login, { stdin: "secret\n" })).toMatchObject({ code: 0 });
  expect(
    (await run(["stat", "-c", "%a", `${dir}/config/remote.yaml`], { as: "self" })).stdout,
  ).toBe("600\n");
  expect((await search()).code).toBe(0);
  expect(await skiff(["keyserver", "logout", locked.url])).toMatchObject({ code: 0 });
  expect((await search()).code).toBe(2);
});

test("keyserver list shows the servers of each service", async () => {
  const { stdout, code } = await skiff(["keyserver", "list"]);
  expect(code).toBe(0);
  expect(stdout).toContain("(* = system endpoint, ^ = default endpoint)");
});

describe("servers of a service", () => {
  const list = parseRemotes("Active: A\nRemotes:\n  A:\n    URI: cloud.example.org\n", "/r");
  const remote = list.remotes.get("A");
  if (remote === undefined) throw new Error("no remote");

  test("are added at a position, skipped when they are its own, and removed", () => {
    const one = addServer(remote, { uri: "https://one.example.org", isInsecure: false }, 0);
    const two = addServer(one, { uri: "hkp://two.example.org", isInsecure: true }, 1);
    expect(serversOf(two).map(({ uri }) => uri)).toEqual([
      "hkp://two.example.org",
      "https://one.example.org",
    ]);
    expect(() =>
      addServer(two, { uri: "http://two.example.org:11371", isInsecure: false }, 0),
    ).toThrow("already configured");
    expect(() => addServer(two, { uri: "https://x.example.org", isInsecure: false }, 9)).toThrow(
      "order",
    );
    expect(serversOf(removeServer(two, "https://one.example.org")).length).toBe(1);
    expect(() => removeServer(two, "https://nobody.example.org")).toThrow("not configured");
    const own = { ...remote, rest: { Keyservers: [{ URI: "https://own.example.org" }] } };
    // One has to be left to ask.
    expect(() => removeServer(own, "https://own.example.org")).toThrow("primary keyserver");
    const more = addServer(own, { uri: "https://two.example.org", isInsecure: false }, 0);
    const left = serversOf(removeServer(more, "https://own.example.org"));
    expect(left.map(({ isSkipped }) => isSkipped)).toEqual([true, false]);
  });

  test("keep logins apart, by address whatever its spelling", () => {
    const logged = withLogin(list, "https://one.example.org", "Bearer x");
    expect(loginOf(logged, "https://one.example.org/")).toBe("Bearer x");
    expect(loginOf(logged, "https://two.example.org")).toBeUndefined();
    expect(
      loginOf(withLogin(logged, "https://one.example.org", undefined), "https://one.example.org"),
    ).toBeUndefined();
  });

  test.each([
    ["hkp://keys.example.org", "http://keys.example.org:11371"],
    ["hkps://keys.example.org", "https://keys.example.org"],
    ["https://keys.example.org/path/", "https://keys.example.org/path"],
    ["HTTP://keys.example.org:81", "http://keys.example.org:81"],
  ])("keyServerUrl() of %s is %s", (text, url) => {
    expect(keyServerUrl(text)).toBe(url);
  });

  test.each(["keys.example.org", "ftp://x", "", "hkp://"])("keyServerUrl() refuses %j", (text) => {
    expect(() => keyServerUrl(text)).toThrow("no address of a key server");
  });

  test("are asked one after another until one has the key", async () => {
    const http = new HttpClient({ env: {}, configDir: dir });
    const empty = startKeyServer();
    const client = (uri: string) => new KeyServerClient(http, { uri, authorization: undefined });
    const clients = [client("http://127.0.0.1:1"), client(empty.url), client(server.url)];
    expect(await getFromAny(clients, UNIT_TEST)).toContain("PUBLIC KEY BLOCK");
    expect(empty.requests.length).toBe(1);
    expect(await getFromAny([client(empty.url)], UNIT_TEST)).toBeUndefined();
    empty.stop();
  });
});

test("parseKeyIndex() takes any text without a crash, and refuses a wrong count", () => {
  expect(() => parseKeyIndex("info:1:2\npub:AA:1:2048:1::\n")).toThrow("announces 2 keys");
  expect(() => parseKeyIndex("info:1:x\n")).toThrow("no count");
  const [key] = parseKeyIndex("pub:aa:1:2048:1588023536:\nuid:A%20%3Cb%40c%3E:1\n");
  expect(key).toMatchObject({ id: "AA", bits: 2048, userIds: ["A <b@c>"] });
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseKeyIndex(text);
      } catch (error) {
        expect((error as Error).name).toBe("Fault");
      }
    }),
  );
});
