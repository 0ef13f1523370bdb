import { afterAll, beforeAll, beforeEach, describe, expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { type FakeRegistry, manifestOf, serveImage } from "./fake-registry.ts";
import { homesIn } from "./homes.ts";
import { sampleImage } from "./sample-image.ts";
import { packImage } from "./test-image.ts";

/* Launches by address that the launcher starts again, once the registry has said that nothing changed. */

const why = firstReason(noTool("busybox"), noTool("mksquashfs"), noUserNamespaces());
const testIt = testUnless(why);
const newHome = homesIn(scratch());
const image = sampleImage();
const HEAD = "HEAD /v2/tools/sample/manifests/1";
let registry: FakeRegistry;
let home: string;
let by: string;
let env: Record<string, string>;

beforeAll(() => {
  registry = serveImage(image);
});
afterAll(() => registry.stop());
beforeEach(() => {
  registry.answer = () => undefined;
  home = newHome();
  by = `docker://${registry.host}/tools/sample:1`;
  env = {};
});

function call(...words: string[]): Promise<Finished> {
  return skiff(words, { cwd: home, extraEnv: { HOME: home, ...env } });
}

const launch = (): Promise<Finished> => call("exec", by, "cat", "/etc/word");

/** When the records were written: a launch that is planned writes them again. */
function written(): Record<string, number> {
  const dir = `${home}/.skiff/cache/launch`;
  const names = readdirSync(dir).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return Object.fromEntries(names.map((name) => [name, statSync(`${dir}/${name}`).ctimeMs]));
}

/** Launches until both are known, the address and the image's path; gives the last one that was planned. */
async function warmUp(): Promise<Finished> {
  let planned = await launch();
  // What changed just now is not trusted yet.
  for (let i = 0; i < 10 && Object.keys(written()).length < 2; i++) {
    if (i > 1) await Bun.sleep(700);
    planned = await launch();
  }
  expect(Object.keys(written())).toHaveLength(2);
  return planned;
}

/** A launch that is not planned, and what it asked the registry for. */
async function known(): Promise<readonly [Finished, readonly string[]]> {
  const before = written();
  const from = registry.requests.length;
  const ran = await launch();
  expect(written()).toEqual(before);
  return [ran, registry.requests.slice(from)];
}

/** An image of other content under the same tag. */
function move(): void {
  const other = packImage({
    layers: [
      [
        { name: "bin/" },
        { name: "bin/cat", content: readFileSync("/bin/busybox"), mode: 0o755 },
        { name: "etc/" },
        { name: "etc/word", content: "moved\n" },
      ],
    ],
  });
  registry.answer = (_, path) => {
    if (path.includes("/manifests/")) return manifestOf(other.manifest);
    const blob = [other.config, ...other.layers].find(({ digest }) => path.endsWith(digest));
    return blob === undefined ? undefined : new Response(new Uint8Array(blob.bytes));
  };
}

describe("a launch by address that is known", () => {
  testIt("is the planned one, after one request", async () => {
    const planned = await warmUp();
    const [ran, asked] = await known();
    expect(ran).toMatchObject({ code: 0, stdout: "above\n", stderr: planned.stderr });
    expect(ran.stderr).toContain("Using cached SIF image");
    expect(asked).toEqual([HEAD]);
  });

  testIt("notices that the tag names another image", async () => {
    await warmUp();
    move();
    expect((await launch()).stdout).toBe("moved\n");
    registry.answer = () => undefined;
    expect((await launch()).stdout).toBe("above\n");
  });

  testIt("notices an answer that is none", async () => {
    await warmUp();
    for (const status of [302, 404, 500]) {
      const headers = { "docker-content-digest": image.manifest.digest, "retry-after": "900" };
      registry.answer = () => new Response("", { status, headers });
      expect((await launch()).code).toBe(255);
    }
    registry.answer = () => new Response("", { headers: { "docker-content-digest": "sha256:0" } });
    expect((await launch()).code).toBe(255);
  });

  testIt("tells what to do when the registry is gone", async () => {
    const lone = serveImage(image);
    by = `docker://${lone.host}/tools/sample:1`;
    await warmUp();
    lone.stop();
    const { code, stderr } = await launch();
    expect(code).toBe(255);
    expect(stderr).toContain("connection refused");
    expect(stderr).toContain("--offline");
  });

  testIt("asks nobody when the address has a digest", async () => {
    by = `docker://${registry.host}/tools/sample@${image.manifest.digest}`;
    await warmUp();
    const [ran, asked] = await known();
    expect(ran).toMatchObject({ code: 0, stdout: "above\n" });
    expect(asked).toEqual([]);
  });

  testIt("is asked for by proxy where that is the way", async () => {
    by = "docker://registry.invalid/tools/sample:1";
    env = { HTTP_PROXY: registry.url, SKIFF_NO_HTTPS: "1" };
    await warmUp();
    const [ran, asked] = await known();
    expect(ran).toMatchObject({ code: 0, stdout: "above\n" });
    expect(asked).toEqual([HEAD]);
    move();
    expect((await launch()).stdout).toBe("moved\n");
  });

  testIt("is another launch where a proxy is named", async () => {
    await warmUp();
    const before = written();
    for (const name of ["http_proxy", "HTTP_PROXY", "all_proxy", "NO_PROXY"]) {
      env = { [name]: registry.url };
      for (let i = 0; i < 2; i++) expect((await launch()).stdout).toBe("above\n");
    }
    expect(Object.keys(written()).length).toBeGreaterThan(Object.keys(before).length);
  });

  function wantToken(seconds: number): void {
    registry.answer = (request, path) => {
      if (path === "/token") return Response.json({ token: "open", expires_in: seconds });
      if (request.headers.get("authorization") === "Bearer open") return undefined;
      const realm = `Bearer realm="${registry.url}/token",service="x"`;
      return new Response("", { status: 401, headers: { "www-authenticate": realm } });
    };
  }

  testIt("shows a token that everybody gets", async () => {
    wantToken(300);
    await warmUp();
    const [ran, asked] = await known();
    expect(ran).toMatchObject({ code: 0, stdout: "above\n" });
    expect(asked).toEqual([HEAD]);
    expect(registry.authorizations.at(-1)).toBe("Bearer open");
  });

  testIt("asks for a token anew when that is not good any more", async () => {
    wantToken(1);
    await warmUp();
    await Bun.sleep(1100);
    const from = registry.requests.length;
    expect((await launch()).stdout).toBe("above\n");
    expect(registry.requests.slice(from).join("\n")).toContain("GET /token");
  });

  testIt("is not kept where the registry wants the user's credentials", async () => {
    env = { SKIFF_DOCKER_USERNAME: "name", SKIFF_DOCKER_PASSWORD: "pass-word" };
    const wanted = `Basic ${btoa("name:pass-word")}`;
    registry.answer = (request) =>
      request.headers.get("authorization") === wanted
        ? undefined
        : new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } });
    for (let i = 0; i < 5; i++) {
      expect((await launch()).stdout).toBe("above\n");
      await Bun.sleep(700);
    }
    // That of the image's path is.
    expect(Object.keys(written())).toHaveLength(1);
    const from = registry.authorizations.length;
    await launch();
    expect(registry.authorizations.slice(from)).toContain(wanted);
  });

  testIt("is planned anew when a mirror is named", async () => {
    await warmUp();
    const conf = `${home}/.config/containers/registries.conf`;
    mkdirSync(dirname(conf), { recursive: true });
    writeFileSync(
      conf,
      `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${registry.host}/mirrored"\ninsecure = true\n`,
    );
    const from = registry.requests.length;
    expect((await launch()).stdout).toBe("above\n");
    expect(registry.requests.slice(from).join("\n")).toContain("/mirrored/");
  });
});
