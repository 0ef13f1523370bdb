import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { blobAnswer } from "./fake-registry.ts";
import { noise } from "./sample-image.ts";

/* A library service as library-api describes it, in memory. */

const folder = scratch();
const bytes = noise(700_000, 9);
const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
const TOKEN = "t".repeat(300);
const asked: string[] = [];
const shown: string[] = [];
let answerFile: (request: Request) => Response = (request) =>
  blobAnswer({ digest: "", bytes }, request);
let imageHash = `sha256.${hash}`;
let imageSize: number | undefined = bytes.length;

const server: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request): Response => {
    const { pathname, searchParams } = new URL(request.url);
    asked.push(`${request.method} ${pathname} ${searchParams.get("arch") ?? ""}`.trim());
    shown.push(request.headers.get("authorization") ?? "");
    if (pathname === "/assets/config/config.prod.json") {
      return Response.json({ libraryAPI: { uri: `${base}/lib` } });
    }
    const path = pathname.replace(/^\/lib/, "");
    if (path === "/v1/images/u/c/tool:1") {
      if (request.method === "DELETE") return new Response("");
      return Response.json({ data: { hash: imageHash, size: imageSize, uploaded: true } });
    }
    if (path === "/v1/search") {
      const names = { entityName: "u", collectionName: "c", containerName: "tool" };
      const image = [
        { ...names, hash: imageHash, description: "No Description" },
        { ...names, tags: ["1", "2"], description: "A \x1b[31mtool", fingerprints: ["AB"] },
      ];
      return Response.json({ data: searchParams.get("value") === "tool" ? { image } : {} });
    }
    if (path === "/v1/imagefile/u/c/tool:1") return answerFile(request);
    return Response.json({ error: { code: 404, message: "Not found" } }, { status: 404 });
  },
});
const store: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request): Response => {
    shown.push(`store ${request.headers.get("authorization") ?? ""}`);
    return blobAnswer({ digest: "", bytes }, request);
  },
});
const base: string = `http://127.0.0.1:${server.port}`;
afterAll(() => {
  void server.stop(true);
  void store.stop(true);
});
afterEach(() => {
  answerFile = (request) => blobAnswer({ digest: "", bytes }, request);
  imageHash = `sha256.${hash}`;
  imageSize = bytes.length;
  asked.length = 0;
  shown.length = 0;
});
let homes = 0;

function newHome(): string {
  homes += 1;
  const home = `${folder}/home-${homes}`;
  mkdirSync(`${home}/.skiff`, { recursive: true });
  const remotes = { site: { URI: `127.0.0.1:${server.port}`, Token: TOKEN, Insecure: true } };
  writeFileSync(`${home}/.skiff/remote.yaml`, JSON.stringify({ Active: "site", Remotes: remotes }));
  const user = ordinaryUser();
  if (isRoot && user !== undefined) {
    Bun.spawnSync(["chown", "-R", `${user.uid}:${user.gid}`, home]);
  }
  return home;
}

const call = (home: string, ...words: string[]): Promise<Finished> =>
  skiff(words, { cwd: home, extraEnv: { HOME: home } });

test("an image of the service in use is pulled with its token, and kept by its hash", async () => {
  const home = newHome();
  const pulled = await call(home, "pull", "--arch", "arm64", "library://u/c/tool:1");
  expect(pulled).toMatchObject({ code: 0, stdout: "" });
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
  expect(asked).toEqual([
    "GET /assets/config/config.prod.json",
    "GET /lib/v1/images/u/c/tool:1 arm64",
    "GET /lib/v1/imagefile/u/c/tool:1 arm64",
  ]);
  expect(shown).toEqual(["", `Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
  asked.length = 0;
  expect((await call(home, "pull", "--force", "library://u/c/tool:1")).code).toBe(0);
  expect(asked.some((line) => line.includes("imagefile"))).toBe(false);
});

test("a library that the address or --library names gets no token", async () => {
  const given = await call(newHome(), "pull", "--library", `${base}/lib`, "library://u/c/tool:1");
  expect(given.code).toBe(0);
  const home = newHome();
  const named = `library://127.0.0.1:${server.port}/u/c/tool:1`;
  expect((await call(home, "pull", "--no-https", "x.sif", named)).code).toBe(0);
  expect(shown.every((value) => value === "")).toBe(true);
  const both = await call(home, "pull", "--force", "--library", base, "x.sif", named);
  expect(both.code).toBe(255);
});

test("a file that lies elsewhere is fetched there without the token", async () => {
  answerFile = () =>
    new Response("", {
      status: 303,
      headers: { location: `http://127.0.0.1:${store.port}/f?s=1` },
    });
  const home = newHome();
  expect((await call(home, "pull", "library://u/c/tool:1")).code).toBe(0);
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
  expect(shown.at(-1)).toBe("store ");
});

test("a long file comes in parts, several at a time, from where it lies", async () => {
  answerFile = () =>
    new Response("", { status: 303, headers: { location: `http://127.0.0.1:${store.port}/f` } });
  const home = newHome();
  writeFileSync(`${home}/conf`, "download part size = 65536\ndownload concurrency = 4\n");
  const call2 = await call(home, "-c", "conf", "pull", "library://u/c/tool:1");
  expect(call2.code).toBe(0);
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
  // 700,000 bytes are eleven parts, and the library itself is asked once or a few times.
  expect(shown.filter((line) => line.startsWith("store")).length).toBe(11);
  expect(asked.filter((line) => line.includes("imagefile")).length).toBeLessThan(5);
});

test("a server without ranges sends the file as a whole", async () => {
  answerFile = () => new Response(new Uint8Array(bytes));
  const home = newHome();
  writeFileSync(`${home}/conf`, "download part size = 65536\n");
  expect((await call(home, "-c", "conf", "pull", "library://u/c/tool:1")).code).toBe(0);
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
  expect(asked.filter((line) => line.includes("imagefile")).length).toBe(1);
});

test("the length of a file of which the library does not tell is that of the file", async () => {
  imageSize = undefined;
  const home = newHome();
  expect((await call(home, "pull", "library://u/c/tool:1")).code).toBe(0);
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
  answerFile = () => new Response(new Uint8Array(bytes));
  const words = ["pull", "--disable-cache", "--force", "library://u/c/tool:1"];
  expect((await call(home, ...words)).code).toBe(0);
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
});

test("a part that breaks off goes on, and a wrong range is refused", async () => {
  let cuts = 0;
  answerFile = (request) => {
    const whole = blobAnswer({ digest: "", bytes }, request);
    cuts += 1;
    if (cuts !== 3) return whole;
    return new Response(new Uint8Array(0), { status: 206, headers: whole.headers });
  };
  const home = newHome();
  writeFileSync(`${home}/conf`, "download part size = 65536\n");
  expect((await call(home, "-c", "conf", "pull", "library://u/c/tool:1")).code).toBe(0);
  expect(readFileSync(`${home}/tool_1.sif`).equals(bytes)).toBe(true);
  const other = newHome();
  writeFileSync(`${other}/conf`, "download part size = 65536\n");
  answerFile = () =>
    new Response(new Uint8Array(65_536), {
      status: 206,
      headers: { "content-range": `bytes 0-65535/${bytes.length}` },
    });
  const wrong = await call(other, "-c", "conf", "pull", "library://u/c/tool:1");
  expect(wrong.stderr).toContain("bytes from 0 on came instead of those from");
});

test("a file with another content than its hash, and a hash that is none, are refused", async () => {
  const home = newHome();
  answerFile = () => new Response(new Uint8Array(bytes.length));
  const wrong = await call(home, "pull", "library://u/c/tool:1");
  expect(wrong.code).toBe(255);
  expect(wrong.stderr).toContain("its content has the digest");
  imageHash = "../../../x";
  const path = await call(home, "pull", "library://u/c/tool:1");
  expect(path.code).toBe(255);
  expect(path.stderr).toContain("names no digest");
  expect((await call(home, "pull", "library://u/c/none:1")).stderr).toContain(
    "image does not exist in the library",
  );
});

test("search lists images with tags or hash, description and signers", async () => {
  const home = newHome();
  expect((await call(home, "search", "--arch", "arm64", "tool")).stdout).toBe(
    `Found 2 container images for arm64 matching "tool":\n\n\tlibrary://u/c/tool:1,2\n\t\tA  [31mtool\n\t\tSigned by: AB\n\n\tlibrary://u/c/tool:sha256.${hash}\n\n`,
  );
  expect((await call(home, "search", "nothing")).stdout).toStartWith("No container images found");
  expect((await call(home, "search", "ab")).code).toBe(255);
});

test("delete asks unless forced, and tells what the library refuses", async () => {
  const home = newHome();
  const kept = await call(home, "delete", "library://u/c/tool:1");
  expect(kept.code).toBe(0);
  expect(asked.some((line) => line.startsWith("DELETE"))).toBe(false);
  const gone = await call(home, "delete", "--force", "--arch", "arm64", "library://u/c/tool:1");
  expect(gone.code).toBe(0);
  expect(asked).toContain("DELETE /lib/v1/images/u/c/tool:1 arm64");
  expect(shown.at(-1)).toBe(`Bearer ${TOKEN}`);
  expect((await call(home, "delete", "--force", "library://u/c/none:1")).code).toBe(255);
});
