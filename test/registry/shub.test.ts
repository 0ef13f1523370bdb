import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { noise } from "./sample-image.ts";

/* A service that speaks like Singularity Hub, in memory. */

const folder = scratch();
const bytes = noise(300_000, 11);
const asked: string[] = [];
const COMMIT = "12".repeat(20);

const server: ReturnType<typeof Bun.serve> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request): Response => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const image = `${base}/files/tool.simg`;
    switch (pathname) {
      case "/api/container/user/tool:2":
        return Response.json({ image, name: "user/tool", tag: "2", commit: COMMIT });
      case "/api/container/user/bad:latest":
        return Response.json({ image, commit: "../../x" });
      case "/api/container/user/page:latest":
        return new Response("<html><title>Welcome</title></html>");
      case "/files/tool.simg":
        return new Response(new Uint8Array(bytes));
      default:
        return Response.json({ error: "none" }, { status: 404 });
    }
  },
});
const base: string = `http://127.0.0.1:${server.port}`;
afterAll(() => void server.stop(true));

const home = `${folder}/home`;
mkdirSync(home);
const user = ordinaryUser();
if (isRoot && user !== undefined) Bun.spawnSync(["chown", `${user.uid}:${user.gid}`, home]);

const pull = (name: string, ...words: string[]): Promise<Finished> =>
  skiff(["pull", "--no-https", ...words, `shub://127.0.0.1:${server.port}/user/${name}`], {
    cwd: home,
    extraEnv: { HOME: home },
  });

test("an image is pulled from where the service says, and kept by its commit", async () => {
  expect(await pull("tool:2", "--force")).toMatchObject({ code: 0, stdout: "" });
  expect(readFileSync(`${home}/tool_2.sif`).equals(bytes)).toBe(true);
  expect(readdirSync(`${home}/.skiff/cache/shub`)).toEqual([COMMIT]);
  asked.length = 0;
  expect((await pull("tool:2", "--force")).code).toBe(0);
  expect(asked).toEqual(["/api/container/user/tool:2"]);
});

test.each([
  ["nothing", "was not found in singularity hub (404)"],
  ["bad", "names a commit that is none"],
  ["page", "answers an HTML page"],
])("%s is refused: %s", async (name, words) => {
  const refused = await pull(name);
  expect(refused.code).toBe(255);
  expect(refused.stderr).toContain(words);
  expect(readdirSync(home)).not.toContain(`${name}_latest.sif`);
});
