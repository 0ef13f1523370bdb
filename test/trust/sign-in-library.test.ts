import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { blobAnswer } from "../registry/fake-registry.ts";
import { desk } from "./signer.ts";

/* A library service that gives and takes images, in memory (library-api.md sections 5 to 7). */

const { dir, skiff, image } = desk();
const TOKEN = "t".repeat(300);
const PART_BYTES = 25_000_000;
const hashOf = (bytes: Uint8Array): string =>
  `sha256.${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

let current: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let announced = "";
let parts: Uint8Array<ArrayBuffer>[] = [];
let isFull = false;
let hasParts = true;
/** How often the whole image was asked for. */
let readings = 0;
/** The library gives other bytes than it tells of. */
let isFalse = false;

const server: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  maxRequestBodySize: 1 << 28,
  fetch: async (request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const base = `http://127.0.0.1:${server.port}`;
    const call = `${request.method} ${pathname}`;
    const data = (value: object): Response => Response.json({ data: value });
    if (pathname === "/assets/config/config.prod.json") {
      return Response.json({ libraryAPI: { uri: base } });
    }
    if (call === "PUT /store") {
      if (isFull) return new Response("no room", { status: 507 });
      // Object stores take no body whose length they are not told.
      if (request.headers.get("content-length") === null) return new Response("", { status: 411 });
      parts.push(new Uint8Array(await request.arrayBuffer()));
      return new Response("", { headers: { etag: `"${parts.length}"` } });
    }
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return new Response("", { status: 401 });
    }
    if (/^GET \/v1\/imagefile\//.test(call)) {
      if (request.headers.get("range") === null) readings += 1;
      const bytes = current.slice();
      if (isFalse) bytes[bytes.length - 1] = 7;
      return blobAnswer({ digest: "", bytes }, request);
    }
    if (call === "GET /v1/images/u/c/tool:1") {
      const about = { hash: hashOf(current), size: current.length, description: "what it is" };
      return data({ id: "old", uploaded: true, ...about });
    }
    if (/^GET \/v1\/images\//.test(call)) return new Response("", { status: 404 });
    if (call === "POST /v1/images") {
      const asked = (await request.json()) as { hash: string; description: string };
      expect(asked.description).toBe("what it is");
      announced = asked.hash;
      return data({ id: "new" });
    }
    if (/_multipart$/.test(pathname)) {
      if (!hasParts) return new Response("", { status: 404 });
      return request.method === "POST"
        ? data({ uploadID: "up", partSize: PART_BYTES, totalParts: 0 })
        : data({ presignedURL: `${base}/store` });
    }
    if (call === "POST /v2/imagefile/new") return data({ uploadURL: `${base}/store` });
    if (/^POST \/v2\/tags\//.test(call)) {
      const whole = new Uint8Array(Buffer.concat(parts));
      expect(hashOf(whole)).toBe(announced);
      current = whole;
      return data({});
    }
    return data({ id: "some" });
  },
});
afterAll(() => void server.stop(true));

const words = { extraEnv: { SKIFF_CACHEDIR: `${dir}/cache` } };
let made: Promise<void> | undefined;
function prepare(): Promise<void> {
  made ??= (async () => {
    const owner = ["-N", "A", "-E", "a@example.org", "-C", "", "-P", "", "-b", "2048"];
    await skiff(["key", "newpair", ...owner, "--push=false"]);
    const remotes = { site: { URI: `127.0.0.1:${server.port}`, Token: TOKEN, Insecure: true } };
    mkdirSync(`${dir}/config`, { recursive: true });
    writeFileSync(
      `${dir}/config/remote.yaml`,
      JSON.stringify({ Active: "site", Remotes: remotes }),
      {
        mode: 0o600,
      },
    );
  })();
  return made;
}

test.serial(
  "sign at a library:// address gives the tag to the signed image; verify reads it there",
  async () => {
    await prepare();
    current = new Uint8Array(readFileSync(await image()));
    for (const count of [1, 2]) {
      parts = [];
      const signed = await skiff(["sign", "library://u/c/tool:1"], words);
      expect({ code: signed.code, stderr: signed.stderr }).toMatchObject({ code: 0 });
      expect(signed.stderr).toContain("The library takes whole images: this one is read there");
      const verified = await skiff(["verify", "library://u/c/tool:1"], words);
      expect(verified.stdout).toStartWith("library://u/c/tool:1: trusted: signed by A ");
      const json = await skiff(["verify", "--json", "library://u/c/tool:1"], words);
      expect(json.stdout).toContain(`"Signatures": ${count}`);
    }
    // What came of it is what signing a file gives.
    writeFileSync(`${dir}/same.sif`, current);
    expect((await skiff(["verify", "same.sif"])).code).toBe(0);
    parts = [];
    isFull = true;
    const before = current;
    expect((await skiff(["sign", "library://u/c/tool:1"], words)).code).toBe(255);
    isFull = false;
    expect(current).toBe(before);
    const byHash = await skiff(["sign", `library://u/c/tool:${hashOf(current)}`], words);
    expect(byHash).toMatchObject({ code: 255 });
    expect(byHash.stderr).toContain("give one tag");
  },
);

test.serial("an image that is not what the library says it is gets no signature", async () => {
  await prepare();
  current = new Uint8Array(readFileSync(await image()));
  announced = "";
  isFalse = true;
  const refused = await skiff(["sign", "library://u/c/tool:1"], words);
  isFalse = false;
  expect(refused).toMatchObject({ code: 255, stdout: "" });
  expect(refused.stderr).toContain("its bytes are not those that it is known by");
  expect(announced).toBe("");
});

test.serial(
  "a large image is sent in parts, or in one, is read twice and never stored",
  async () => {
    await prepare();
    const path = await image();
    await skiff(["sif", "add", "--datatype", "7", "--groupid", "1", path, path]);
    writeFileSync(`${dir}/large`, new Uint8Array(70_000_000).fill(7));
    await skiff(["sif", "add", "--datatype", "7", "--groupid", "1", path, "large"]);
    for (const isInParts of [true, false]) {
      hasParts = isInParts;
      current = new Uint8Array(readFileSync(path));
      const { length } = current;
      [parts, readings] = [[], 0];
      const cache = `${dir}/cache-${isInParts}`;
      const extraEnv = { SKIFF_CACHEDIR: cache };
      const signed = await skiff(["sign", "library://u/c/tool:1"], { extraEnv });
      expect({ code: signed.code, stderr: signed.stderr }).toMatchObject({ code: 0 });
      expect(existsSync(`${cache}/cache/library`)).toBe(false);
      const sent = parts.map((part) => part.length);
      if (isInParts) expect(sent.slice(0, 2)).toEqual([PART_BYTES, PART_BYTES]);
      else expect({ sent, readings }).toEqual({ sent: [current.length], readings: 2 });
      expect(current.length).toBeGreaterThan(length);
      writeFileSync(`${dir}/large.sif`, current);
      expect((await skiff(["verify", "large.sif"])).code).toBe(0);
    }
    hasParts = true;
  },
);
