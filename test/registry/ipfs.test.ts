import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { homesIn } from "./homes.ts";
import { noise } from "./sample-image.ts";

/* A gateway to IPFS, in memory. */

const folder = scratch();
const newHome = homesIn(folder);
const bytes = noise(200_000, 7);
const server: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request): Response =>
    ["/ipfs/bafyimage", "/ipfs/bafydir/tool.sif"].includes(new URL(request.url).pathname)
      ? new Response(new Uint8Array(bytes))
      : new Response("none", { status: 404 }),
});
const gateway: string = `http://127.0.0.1:${server.port}`;
afterAll(() => void server.stop(true));

function call(home: string, args: readonly string[], env = {}): Promise<Finished> {
  return skiff(args, { cwd: home, extraEnv: { HOME: home, ...env } });
}

test("pull fetches by a content id from the gateway that a variable or a file names", async () => {
  const home = newHome();
  const env = { IPFS_GATEWAY: `${gateway}/` };
  expect((await call(home, ["pull", "x.sif", "ipfs://bafyimage"], env)).code).toBe(0);
  expect(readFileSync(`${home}/x.sif`).equals(Buffer.from(bytes))).toBe(true);
  mkdirSync(`${home}/.ipfs`);
  writeFileSync(`${home}/.ipfs/gateway`, `${gateway}\n`);
  expect((await call(home, ["pull", "ipfs://bafydir/tool.sif"])).code).toBe(0);
  expect(readFileSync(`${home}/tool.sif_latest.sif`).equals(Buffer.from(bytes))).toBe(true);
  expect((await call(home, ["pull", "ipfs://bafygone"])).stderr).toContain("404");
});

test("without a gateway it says how to name one", async () => {
  const refused = await call(newHome(), ["pull", "ipfs://bafyimage"]);
  expect(refused.code).toBe(255);
  expect(refused.stderr).toContain("no IPFS gateway found; set IPFS_GATEWAY");
});
