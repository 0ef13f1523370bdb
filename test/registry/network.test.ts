import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { blobAnswer, manifestOf } from "./fake-registry.ts";
import { noise } from "./sample-image.ts";
import { packImage } from "./test-image.ts";

/* Certificates, proxies and plain web servers. */

const lacks = firstReason(noTool("mksquashfs"), noUserNamespaces());
const testIt = testUnless(lacks);
const testTls = testUnless(firstReason(lacks, noTool("openssl")));
const folder = scratch();
const image = packImage({ layers: [[{ name: "etc/" }, { name: "etc/x", content: "x\n" }]] });
let home: string;
let homes = 0;

beforeEach(() => {
  homes += 1;
  home = `${folder}/home-${homes}`;
  mkdirSync(home);
  const user = ordinaryUser();
  if (isRoot && user !== undefined) Bun.spawnSync(["chown", `${user.uid}:${user.gid}`, home]);
});

function pull(address: string, flags: readonly string[] = [], env = {}): Promise<Finished> {
  const extraEnv = { HOME: home, ...env };
  return skiff(["pull", "--force", ...flags, "x.sif", address], { cwd: home, extraEnv });
}

function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname.includes("/manifests/")) return manifestOf(image.manifest);
  const blob = [image.config, ...image.layers].find(({ digest }) => pathname.endsWith(digest));
  return blob === undefined ? new Response("", { status: 404 }) : blobAnswer(blob, request);
}

describe("a registry with TLS", () => {
  let server: ReturnType<typeof Bun.serve> | undefined;

  beforeAll(() => {
    if (noTool("openssl") !== undefined) return;
    const openssl = (...words: string[]): void => {
      const { exitCode, stderr } = Bun.spawnSync(["openssl", ...words], { cwd: folder });
      if (exitCode !== 0) throw new Error(stderr.toString());
    };
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(
      ...["req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2"],
      ...["-subj", "/CN=Test CA"],
    );
    openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=registry");
    writeFileSync(`${folder}/names`, "subjectAltName=IP:127.0.0.1\n");
    openssl(
      ...["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2"],
      ...["-CAcreateserial", "-extfile", "names", "-out", "server.crt"],
    );
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: {
        cert: readFileSync(`${folder}/server.crt`, "utf8"),
        key: readFileSync(`${folder}/server.key`, "utf8"),
      },
      fetch: answer,
    });
  });
  afterAll(() => void server?.stop(true));

  const address = (): string => `docker://127.0.0.1:${server?.port}/x/y:1`;

  testTls("is refused without its CA, with the place for it", async () => {
    const { code, stderr } = await pull(address());
    expect(code).toBe(255);
    expect(stderr).toContain("certificate is not trusted");
    expect(stderr).toContain(`/etc/docker/certs.d/127.0.0.1:${server?.port}/ca.crt`);
    const elsewhere = Bun.serve({
      hostname: "127.0.0.2",
      port: 0,
      tls: {
        cert: readFileSync(`${folder}/server.crt`, "utf8"),
        key: readFileSync(`${folder}/server.key`, "utf8"),
      },
      fetch: answer,
    });
    const { stderr: named } = await pull(`docker://127.0.0.2:${elsewhere.port}/x/y:1`, [], {
      SSL_CERT_FILE: `${folder}/ca.crt`,
    });
    elsewhere.stop(true);
    expect(named).toContain("its certificate is for another name than 127.0.0.2");
    const lost = await pull(address(), [], { SSL_CERT_FILE: "/nosuch.pem" });
    expect(lost.stderr).toContain('SSL_CERT_FILE names "/nosuch.pem"');
  });

  testTls(
    "is trusted by SSL_CERT_FILE, SSL_CERT_DIR, NODE_EXTRA_CA_CERTS and the user's certs.d",
    async () => {
      const ca = `${folder}/ca.crt`;
      for (const env of [
        { SSL_CERT_FILE: ca },
        { SSL_CERT_DIR: folder },
        { NODE_EXTRA_CA_CERTS: ca },
      ]) {
        expect((await pull(address(), ["--disable-cache"], env)).code).toBe(0);
      }
      const own = `${home}/.skiff/certs.d/127.0.0.1:${server?.port}`;
      mkdirSync(own, { recursive: true });
      writeFileSync(`${own}/ca.crt`, readFileSync(ca));
      expect((await pull(address(), ["--disable-cache"])).code).toBe(0);
    },
  );
});

testIt(
  "a registry is reached through the proxy of HTTP_PROXY, and not when NO_PROXY names it",
  async () => {
    const asked: string[] = [];
    const proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        asked.push(new URL(request.url).host);
        return answer(request);
      },
    });
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
    const address = "docker://registry.invalid/x/y:1";
    const through = await pull(address, ["--no-https"], env);
    const past = await pull(address, ["--no-https"], { ...env, NO_PROXY: ".invalid" });
    proxy.stop(true);
    expect(through.code).toBe(0);
    expect([...new Set(asked)]).toEqual(["registry.invalid"]);
    expect(past.code).toBe(255);
    expect(past.stderr).toContain("dial tcp: lookup registry.invalid: no such host");
  },
);

testIt("what a proxy of TLS refuses is told at once, in words", async () => {
  let refusal = "403 Forbidden";
  const proxy = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket) => {
        socket.end(`HTTP/1.1 ${refusal}\r\nContent-Length: 0\r\n\r\n`);
      },
    },
  });
  const place = `127.0.0.1:${proxy.port}`;
  const address = "docker://registry.invalid/x/y:1";
  const forbidden = await pull(address, [], { HTTPS_PROXY: `http://${place}` });
  expect(forbidden.code).toBe(255);
  expect(forbidden.stderr).toMatch(/^FATAL: .*it refuses the connection \(403\)/);
  refusal = "407 Proxy Authentication Required";
  const unknown = await pull(address, [], { HTTPS_PROXY: `http://${place}` });
  expect(unknown.stderr).toMatch(/^FATAL: .*it asks for credentials \(407\).*HTTPS_PROXY/);
  const kind = await pull(address, [], { HTTPS_PROXY: `socks5://${place}` });
  expect(kind.stderr).toMatch(/^FATAL: .*it is of another kind than http/);
  proxy.stop(true);
  // A private address may speak plain http; that nobody is at the proxy says nothing about it.
  const nobody = await pull("docker://10.255.255.1/x/y:1", [], { HTTPS_PROXY: `http://${place}` });
  expect(nobody.stderr).toContain(
    `by way of the proxy http://${place}: nobody listens there (connection refused)`,
  );
});

describe("an image on a web server", () => {
  const bytes = noise(500_000);
  const asked: string[] = [];
  let special: ((request: Request) => Response | undefined) | undefined;
  let changed = "Mon, 02 Jan 2023 03:04:05 GMT";
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      asked.push(`${request.method} ${request.headers.get("range") ?? ""}`.trim());
      const own = special?.(request);
      if (own !== undefined) return own;
      const headers = { "last-modified": changed };
      if (new URL(request.url).pathname !== "/dir/file.img") {
        return new Response("", { status: 404 });
      }
      const from = /^bytes=([0-9]+)-$/.exec(request.headers.get("range") ?? "")?.[1];
      if (from === undefined) return new Response(new Uint8Array(bytes), { headers });
      return new Response(new Uint8Array(bytes.subarray(Number(from))), {
        status: 206,
        headers: {
          ...headers,
          "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
        },
      });
    },
  });
  const url = `http://127.0.0.1:${server.port}/dir/file.img`;
  afterEach(() => {
    special = undefined;
    asked.length = 0;
  });
  afterAll(() => void server.stop(true));
  const call = (words: readonly string[]): Promise<Finished> =>
    skiff(words, { cwd: home, extraEnv: { HOME: home } });

  testIt("is pulled under its own name, once as long as it does not change", async () => {
    expect((await call(["pull", url])).code).toBe(0);
    expect(readFileSync(`${home}/file.img`).equals(bytes)).toBe(true);
    expect((await call(["pull", "--force", url])).code).toBe(0);
    expect(asked).toEqual(["HEAD", "GET", "HEAD"]);
    changed = "Tue, 03 Jan 2023 03:04:05 GMT";
    expect((await call(["pull", "--force", url])).code).toBe(0);
    expect(asked.slice(3)).toEqual(["HEAD", "GET"]);
  });

  testIt("is continued after a break, and never mistaken for a web page", async () => {
    let breaks = 1;
    special = (request) => {
      if (request.method === "HEAD" || breaks === 0) return undefined;
      breaks -= 1;
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(bytes.subarray(0, 200_000));
          controller.close();
        },
      });
      return new Response(body, { headers: { "last-modified": changed } });
    };
    expect((await call(["pull", url])).code).toBe(0);
    expect(readFileSync(`${home}/file.img`).equals(bytes)).toBe(true);
    expect(asked).toEqual(["HEAD", "GET", "GET bytes=200000-"]);
    special = () =>
      new Response("<html>log in</html>", { headers: { "content-type": "text/html; charset=x" } });
    const page = await call(["pull", "--disable-cache", "page.img", url]);
    expect(page.code).toBe(255);
    expect(page.stderr).toContain("it is a web page");
  });

  testIt("that is not there is said so", async () => {
    const missing = await call(["pull", `${url}.not`]);
    expect(missing.code).toBe(255);
    expect(missing.stderr).toContain("404");
  });
});

testIt("an image of a Docker daemon is taken from its socket", async () => {
  const layer = image.layers[0];
  if (layer === undefined) throw new Error("no layer");
  mkdirSync(`${home}/saved`);
  writeFileSync(`${home}/saved/config.json`, image.config.bytes);
  writeFileSync(`${home}/saved/layer.tar`, layer.bytes);
  writeFileSync(
    `${home}/saved/manifest.json`,
    JSON.stringify([{ Config: "config.json", RepoTags: ["team/tool:1"], Layers: ["layer.tar"] }]),
  );
  Bun.spawnSync(["tar", "-cf", `${home}/saved.tar`, "-C", `${home}/saved`, "."]);
  const socket = `${home}/docker.sock`;
  const asked: string[] = [];
  const daemon = Bun.serve({
    unix: socket,
    fetch: (request) => {
      const { pathname, searchParams } = new URL(request.url);
      asked.push(`${pathname} ${searchParams.get("names")}`);
      if (searchParams.get("names") !== "team/tool:1") {
        return Response.json({ message: "reference does not exist" }, { status: 404 });
      }
      return new Response(Bun.file(`${home}/saved.tar`));
    },
  });
  if (isRoot) Bun.spawnSync(["chmod", "666", socket]);
  const host = ["--docker-host", `unix://${socket}`];
  const pulled = await pull("docker-daemon:team/tool:1", host);
  const missing = await pull("docker-daemon:team/none:1", host);
  void daemon.stop(true);
  expect(pulled).toMatchObject({ code: 0 });
  expect(asked[0]).toBe("/images/get team/tool:1");
  expect(missing.code).toBe(255);
  expect(missing.stderr).toContain("reference does not exist");
  const nobody = await pull("docker-daemon:team/tool:1", ["--docker-host", `unix://${home}/none`]);
  expect(nobody.code).toBe(255);
  expect(nobody.stderr).toContain("--docker-host");
});
