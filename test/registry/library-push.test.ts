import { afterAll, beforeEach, expect } from "bun:test";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { serveImage } from "./fake-registry.ts";
import { packImage } from "./test-image.ts";

/* A library service that takes images, in memory, and a store beside it that takes their bytes. */

const testIt = testUnless(firstReason(noTool("mksquashfs"), noUserNamespaces()));
const folder = scratch();
const TOKEN = "t".repeat(300);
const registry = serveImage(
  packImage({ layers: [[{ name: "etc/" }, { name: "etc/x", content: "x" }]] }),
);
let asked: string[] = [];
let known = new Set<string>();
let bodies = new Map<string, Record<string, unknown>>();
let stored: Buffer[] = [];
let storeAuthorizations: string[] = [];
let partSize = 0;
let storeStatus = 200;
/** The service has the first version of the protocol only. */
let isOld = false;

const store: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  maxRequestBodySize: 1 << 30,
  fetch: async (request): Promise<Response> => {
    storeAuthorizations.push(request.headers.get("authorization") ?? "");
    stored.push(Buffer.from(await request.arrayBuffer()));
    return new Response("", { status: storeStatus, headers: { etag: `"tag-${stored.length}"` } });
  },
});
const server: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const call = `${request.method} ${pathname}`;
    asked.push(call);
    if (pathname === "/assets/config/config.prod.json") {
      return Response.json({ libraryAPI: { uri: `http://127.0.0.1:${server.port}` } });
    }
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return Response.json({ error: { message: "who are you" } }, { status: 401 });
    }
    if (isOld && pathname.startsWith("/v2/")) return new Response("", { status: 404 });
    if (call === "POST /v1/imagefile/img1") {
      stored.push(Buffer.from(await request.arrayBuffer()));
      return new Response("");
    }
    const text = await request.text();
    if (text !== "") bodies.set(call, JSON.parse(text));
    const upload = `http://127.0.0.1:${store.port}/put?X-Amz-SignedHeaders=host`;
    if (/\/_multipart$/.test(pathname)) {
      return request.method === "POST"
        ? Response.json({ data: { uploadID: "up1", partSize, totalParts: 0 } })
        : Response.json({ data: { presignedURL: upload } });
    }
    if (/^\/v2\/imagefile\/img1(\/_.*)?$/.test(pathname)) {
      return Response.json({ data: { uploadURL: upload } });
    }
    if (/^\/v2\/tags\//.test(pathname)) return Response.json({ data: {} });
    if (request.method === "POST") {
      known.add(pathname);
      return Response.json({ data: { id: pathname.includes("images") ? "img1" : "id1" } });
    }
    const kind = pathname.split("/").slice(0, 3).join("/");
    if (!known.has(kind)) return new Response("", { status: 404 });
    return Response.json({
      data: { id: kind.includes("images") ? "img1" : "id1", uploaded: true },
    });
  },
});
afterAll(() => {
  void store.stop(true);
  void server.stop(true);
  registry.stop();
});

let home = "";
let homes = 0;
beforeEach(async () => {
  asked = [];
  known = new Set();
  bodies = new Map();
  stored = [];
  storeAuthorizations = [];
  storeStatus = 200;
  isOld = false;
  homes += 1;
  home = `${folder}/home-${homes}`;
  mkdirSync(`${home}/.skiff`, { recursive: true });
  const remotes = { site: { URI: `127.0.0.1:${server.port}`, Token: TOKEN, Insecure: true } };
  const list = { Active: "site", Remotes: remotes };
  writeFileSync(`${home}/.skiff/remote.yaml`, JSON.stringify(list));
  const user = ordinaryUser();
  if (isRoot && user !== undefined) {
    Bun.spawnSync(["chown", "-R", `${user.uid}:${user.gid}`, home]);
  }
});

const call = (...words: string[]): Promise<Finished> =>
  skiff(words, { cwd: home, extraEnv: { HOME: home } });

testIt("push makes what is missing, sends the file once and sets each tag", async () => {
  await call("pull", "x.sif", `docker://${registry.host}/x/y:1`);
  const bytes = readFileSync(`${home}/x.sif`);
  const pushed = await call("push", "-U", "-D", "about it", "x.sif", "library://u/c/tool:1,2");
  expect({ code: pushed.code, stderr: pushed.stderr }).toMatchObject({ code: 0 });
  const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  expect(asked).toEqual([
    "GET /assets/config/config.prod.json",
    "GET /v1/entities/u",
    "POST /v1/entities",
    "GET /v1/collections/u/c",
    "POST /v1/collections",
    "GET /v1/containers/u/c/tool",
    "POST /v1/containers",
    `GET /v1/images/u/c/tool:sha256.${hash}`,
    "POST /v1/images",
    "POST /v2/imagefile/img1",
    "PUT /v2/imagefile/img1/_complete",
    "POST /v2/tags/id1",
    "POST /v2/tags/id1",
  ]);
  expect(bodies.get("POST /v1/images")).toMatchObject({
    hash: `sha256.${hash}`,
    description: "about it",
    container: "id1",
  });
  expect(bodies.get("POST /v2/imagefile/img1")).toMatchObject({ filesize: bytes.length });
  expect(bodies.get("POST /v2/tags/id1")).toEqual({ Arch: "amd64", Tag: "2", ImageID: "img1" });
  expect(stored.length === 1 && stored[0]?.equals(bytes)).toBe(true);
  expect(storeAuthorizations).toEqual([""]);
  const again = await call("push", "-U", "x.sif", "library://u/c/tool:3");
  expect(again.code).toBe(0);
  expect(stored.length).toBe(1);
});

testIt("push sends the file with the request to a service of the first version", async () => {
  isOld = true;
  await call("pull", "x.sif", `docker://${registry.host}/x/y:1`);
  expect((await call("push", "-U", "x.sif", "library://u/c/tool:1")).code).toBe(0);
  expect(stored.length === 1 && stored[0]?.equals(readFileSync(`${home}/x.sif`))).toBe(true);
  expect(storeAuthorizations).toEqual([]);
  expect(bodies.get("POST /v1/tags/id1")).toEqual({ Tag: "1", ImageID: "img1" });
});

testIt("a host in the address has to be that of the service in use", async () => {
  await call("pull", "x.sif", `docker://${registry.host}/x/y:1`);
  const own = `library://127.0.0.1:${server.port}/u/c/tool:1`;
  expect((await call("push", "-U", "x.sif", own)).code).toBe(0);
  expect(asked.at(-1)).toBe("POST /v2/tags/id1");
  const other = await call("push", "-U", "x.sif", "library://library.invalid/u/c/tool:1");
  expect(other.code).toBe(255);
  expect(other.stderr).toContain("push to location other than current remote is not supported");
});

testIt("push sends long files in parts", async () => {
  await call("pull", "x.sif", `docker://${registry.host}/x/y:1`);
  truncateSync(`${home}/x.sif`, 70_000_000);
  partSize = 30_000_000;
  expect((await call("push", "-U", "x.sif", "library://u/c/tool:1")).code).toBe(0);
  expect(stored.map((part) => part.length)).toEqual([30_000_000, 30_000_000, 10_000_000]);
  expect(Buffer.concat(stored).equals(readFileSync(`${home}/x.sif`))).toBe(true);
  expect(bodies.get("PUT /v2/imagefile/img1/_multipart_complete")).toEqual({
    uploadID: "up1",
    completedParts: [1, 2, 3].map((n) => ({ partNumber: n, token: `"tag-${n}"` })),
  });
  storeStatus = 403;
  known.clear();
  expect((await call("push", "-U", "x.sif", "library://u/c/tool:1")).code).toBe(255);
  expect(asked.at(-1)).toBe("PUT /v2/imagefile/img1/_multipart_abort");
});

testIt(
  "push refuses what is not signed, an address of two parts, and a library without a log-in",
  async () => {
    await call("pull", "x.sif", `docker://${registry.host}/x/y:1`);
    const unsigned = await call("push", "x.sif", "library://u/c/tool:1");
    expect(unsigned.code).toBe(255);
    expect(unsigned.stderr).toContain("--allow-unsigned");
    expect((await call("push", "-U", "x.sif", "library://c/tool:1")).code).toBe(255);
    const library = `http://127.0.0.1:${server.port}`;
    const denied = await call("push", "-U", "--library", library, "x.sif", "library://u/c/tool:1");
    expect(denied.code).toBe(255);
    expect(denied.stderr).toContain("remote login");
  },
);
