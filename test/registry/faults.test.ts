import { afterEach, beforeEach, expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { startProxy } from "./cutting-proxy.ts";
import { type FakeRegistry, serveImage } from "./fake-registry.ts";
import { noise } from "./sample-image.ts";
import { packImage } from "./test-image.ts";

const testIt = testUnless(firstReason(noTool("mksquashfs"), noUserNamespaces()));
const folder = scratch();
const image = packImage({
  layers: [
    [{ name: "etc/" }, { name: "etc/a", content: "small\n" }],
    [{ name: "etc/b", content: noise(2_000_000) }],
  ],
});
const [small, big] = image.layers;
if (small === undefined || big === undefined) throw new Error("two layers");
const bigPath = `/v2/x/y/blobs/${big.digest}`;
let registry: FakeRegistry;
let home: string;
let homes = 0;

beforeEach(() => {
  registry = serveImage(image);
  homes += 1;
  home = `${folder}/home-${homes}`;
  mkdirSync(home);
  const user = ordinaryUser();
  if (isRoot && user !== undefined) Bun.spawnSync(["chown", `${user.uid}:${user.gid}`, home]);
});
afterEach(() => registry.stop());

function pull(host = registry.host, flags: readonly string[] = [], env = {}): Promise<Finished> {
  return skiff(["pull", ...flags, "x.sif", `docker://${host}/x/y:1`], {
    cwd: home,
    extraEnv: { HOME: home, ...env },
    timeoutMs: 100_000,
  });
}

/** A pull that must fail and leave nothing; gives what it said last. */
async function failedPull(host?: string): Promise<string> {
  const { code, stdout, stderr } = await pull(host);
  expect({ code, stdout }).toEqual({ code: 255, stdout: "" });
  expect(readdirSync(home).filter((name) => name !== ".skiff")).toEqual([]);
  const images = `${home}/.skiff/cache/oci-tmp`;
  expect(existsSync(images) ? readdirSync(images) : []).toEqual([]);
  return stderr.trimEnd().split("\n").at(-1) ?? "";
}

testIt(
  "a layer with other content than its digest says is refused by name and not kept",
  async () => {
    const wrong = new Uint8Array(big.bytes);
    wrong[1_000_000] = (wrong[1_000_000] ?? 0) ^ 1;
    registry.answer = (_, path) => (path === bigPath ? new Response(wrong) : undefined);
    expect(await failedPull()).toContain(`Cannot use layer ${big.digest} of docker://`);
    registry.answer = () => undefined;
    expect((await pull()).code).toBe(0);
  },
);

testIt(
  "a layer of another length than the manifest says is refused before it is fetched",
  async () => {
    registry.answer = (_, path) =>
      path === bigPath ? new Response(new Uint8Array(big.bytes.length + 5)) : undefined;
    const said = await failedPull();
    expect(said).toContain(big.digest);
    expect(said).toContain(`${big.bytes.length + 5} bytes are announced`);
  },
);

testIt(
  "an HTML page is recognised in place of a manifest, a layer and a configuration",
  async () => {
    const page = () =>
      new Response("<!DOCTYPE html><title>Log in</title>", {
        headers: { "content-type": "text/html" },
      });
    registry.answer = (request, path) =>
      path.includes("/manifests/") && request.method === "GET" ? page() : undefined;
    expect(await failedPull()).toContain("HTML page");
    registry.answer = (_, path) => (path === bigPath ? page() : undefined);
    expect(await failedPull()).toContain("HTML page");
    registry.answer = () => page();
    expect(await failedPull()).toContain("HTML page");
  },
);

testIt("a manifest with another digest than announced is refused", async () => {
  registry.answer = (request, path) =>
    path.includes("/manifests/") && request.method === "GET"
      ? new Response(`${new TextDecoder().decode(image.manifest.bytes)} `, {
          headers: { "content-type": image.manifest.mediaType },
        })
      : undefined;
  expect(await failedPull()).toContain("its digest is sha256:");
});

testIt("a missing image is said with its name", async () => {
  registry.answer = () =>
    Response.json(
      { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] },
      { status: 404 },
    );
  const said = await failedPull();
  expect(said).toContain(`docker://${registry.host}/x/y:1`);
  expect(said).toContain("404");
});

testIt("a rate limit is waited for when it is short, and explained when it is long", async () => {
  let refusals = 1;
  registry.answer = () => {
    refusals -= 1;
    if (refusals < 0) return undefined;
    return new Response("", { status: 429, headers: { "retry-after": "0" } });
  };
  const pulled = await pull();
  expect(pulled.code).toBe(0);
  expect(pulled.stderr).toContain("limits how often it may be asked (429): trying again in");
  registry.answer = () => new Response("", { status: 429, headers: { "retry-after": "7200" } });
  const refused = await pull(registry.host, ["--force"]);
  expect(refused.stderr).toContain("(429)");
  expect(refused.stderr).toContain("registry login");
});

testIt("a passing failure of the server is tried again", async () => {
  let failures = 1;
  registry.answer = (_, path) => {
    if (path !== bigPath || failures === 0) return undefined;
    failures -= 1;
    return new Response("", { status: 503, headers: { "retry-after": "0" } });
  };
  const pulled = await pull();
  expect(pulled.code).toBe(0);
  expect(pulled.stderr).toContain("answers 503: trying again");
});

testIt("credentials never follow a redirect to another host", async () => {
  const store = serveImage(image);
  const seen: string[] = [];
  registry.answer = (request, path) => {
    seen.push(request.headers.get("authorization") ?? "");
    if (request.headers.get("authorization") === null) {
      return new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } });
    }
    if (!path.includes("/blobs/")) return undefined;
    return new Response("", { status: 307, headers: { location: `${store.url}${path}?signed=1` } });
  };
  const pulled = await pull(registry.host, [], {
    SINGULARITY_DOCKER_USERNAME: "bob",
    SINGULARITY_DOCKER_PASSWORD: "hunter2",
  });
  store.stop();
  expect(pulled.code).toBe(0);
  expect(seen.filter((value) => value !== "").length).toBeGreaterThan(2);
  expect(store.requests.filter((line) => line.includes("/blobs/")).length).toBe(3);
  expect(store.authorizations.every((value) => value === "")).toBe(true);
});

testIt(
  "a token service that is not reached by http, or is the machine's own, is not asked",
  async () => {
    let realm = "ftp://thief.example.org/token";
    registry.answer = () =>
      new Response("", {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${realm}",service="x"` },
      });
    expect(await failedPull()).toContain("token service");
    realm = "http://169.254.169.254/latest";
    expect(await failedPull()).toContain("is an address of the local link");
  },
);

testIt("a token is fetched once with name and password and used for all that follows", async () => {
  let tokens = 0;
  registry.answer = (request, path) => {
    const shown = request.headers.get("authorization") ?? "";
    if (path === "/token") {
      tokens += 1;
      const { searchParams } = new URL(request.url);
      expect(searchParams.get("service")).toBe("registry");
      expect(searchParams.getAll("scope")).toEqual(["repository:x/y:pull"]);
      expect(shown).toBe(`Basic ${btoa("bob:hunter2")}`);
      return Response.json({ token: "the-token" });
    }
    if (shown === "Bearer the-token") return undefined;
    const realm = `Bearer realm="${registry.url}/token",service="registry",scope="repository:x/y:pull"`;
    return new Response("", { status: 401, headers: { "www-authenticate": realm } });
  };
  const pulled = await pull(registry.host, [], {
    DOCKER_USERNAME: "bob",
    DOCKER_PASSWORD: "hunter2",
  });
  expect(pulled).toMatchObject({ code: 0 });
  expect(tokens).toBe(1);
});

testIt("a repository that a token is not good for is denied, as callers look for it", async () => {
  const realm = `Bearer realm="${registry.url}/token",service="registry"`;
  registry.answer = (request, path) => {
    if (path === "/token") return Response.json({ token: "of-nobody" });
    const isTold = request.headers.get("authorization") !== null;
    const header = isTold ? `${realm},error="insufficient_scope"` : realm;
    return new Response(
      '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
      {
        status: 401,
        headers: { "www-authenticate": header },
      },
    );
  };
  expect(await failedPull()).toContain("(401): requested access to the resource is denied;");
});

testIt("a download that breaks is continued within the same call", async () => {
  const upstream = Number(registry.host.split(":")[1]);
  // The third connection and later ones carry layers; two of them break.
  const proxy = await startProxy(upstream, (n) => (n === 0 || n > 3 ? undefined : 700_000));
  const pulled = await pull(`127.0.0.1:${proxy.port}`);
  proxy.stop();
  expect(pulled).toMatchObject({ code: 0 });
  const total = small.bytes.length + big.bytes.length;
  expect(proxy.received()).toBeLessThan(total * 1.9);
});

testIt("a download that broke for good is continued by the next call", async () => {
  const half = Math.floor(big.bytes.length / 2);
  let served = 0;
  registry.answer = (request, path) => {
    if (path !== bigPath) return undefined;
    served += 1;
    if (served > 1) return new Response("", { status: 500, headers: { "retry-after": "0" } });
    expect(request.headers.get("range")).toBeNull();
    // Says the whole length, sends half of it.
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(big.bytes.subarray(0, half));
        controller.close();
      },
    });
    return new Response(body);
  };
  expect(await failedPull()).toContain(big.digest);
  const ranges: (string | null)[] = [];
  registry.answer = (request, path) => {
    if (path === bigPath) ranges.push(request.headers.get("range"));
    return undefined;
  };
  expect((await pull()).code).toBe(0);
  expect(ranges).toEqual([`bytes=${half}-`]);
});

testIt("a registry that nobody runs is said at once", async () => {
  registry.stop();
  expect(await failedPull()).toContain("nobody listens there");
});
