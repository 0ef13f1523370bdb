import { describe, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { giveTo } from "../launch/image-tree.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { testUnless } from "../support/skip.ts";
import { instanceLab, leftRunning, until } from "./instance-lab.ts";
import { servicesImage } from "./services-image.ts";

/** Real servers as instances of an ordinary user, and real clients on the host and in other containers. */
const lab = instanceLab();
const services = await servicesImage();
const image = "path" in services ? services.path : "";
const testService = testUnless("lack" in services ? services.lack : undefined);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A directory for a server's data with a start script for it; gives the options that bind both. */
function prepare(name: string, startscript: string): readonly string[] {
  const dir = `${lab.dir}/${name}`;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${dir}/start`, `#!/bin/sh\n${startscript}`, { mode: 0o755 });
  const user = ordinaryUser();
  if (isRoot && user !== undefined) giveTo(dir, user);
  return ["--bind", `${dir}:/data,${dir}/start:/.singularity.d/startscript`];
}

async function must(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.skiff(words);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function stop(name: string, signal: string): Promise<void> {
  const stopped = await lab.skiff(["instance", "stop", "--signal", signal, name]);
  expect(stopped.code).toBe(0);
  expect(stopped.stderr).not.toContain("Killing");
  expect(await lab.list(name)).toEqual([]);
}

describe("instances of an ordinary user", () => {
  testService(
    "PostgreSQL serves clients on the host and in a second container, and ends in order",
    async () => {
      const port = await freePort();
      const bins = "/usr/lib/postgresql/15/bin";
      const binds = prepare(
        "pg",
        `exec ${bins}/postgres -D /data/db -p "$1" -k /data -h 127.0.0.1\n`,
      );
      await must([
        "exec",
        ...binds,
        image,
        `${bins}/initdb`,
        "-D",
        "/data/db",
        "-A",
        "trust",
        "-N",
        "-U",
        "owner",
      ]);
      await must(["instance", "start", ...binds, image, "db", String(port)]);
      const isReady = () =>
        lab.skiff([
          "exec",
          "instance://db",
          `${bins}/pg_isready`,
          "-h",
          "127.0.0.1",
          "-p",
          String(port),
        ]);
      expect(await until(async () => (await isReady()).code === 0)).toBe(true);
      const psql = (sql: string, ...where: string[]) =>
        must([
          "exec",
          ...where,
          `${bins}/psql`,
          "-h",
          "127.0.0.1",
          "-p",
          String(port),
          "-U",
          "owner",
          "-Atc",
          sql,
          "postgres",
        ]);
      await psql(
        "create table t as select g as n from generate_series(1, 1000) g",
        "instance://db",
      );
      expect(await psql("select sum(n) from t", image)).toBe("500500\n");
      const sql = new Bun.SQL(`postgres://owner@127.0.0.1:${port}/postgres`);
      const [row] = await sql`select count(*)::int as rows from t`;
      expect(row.rows).toBe(1000);
      await sql.close();
      await stop("db", "INT");
      const state = await must(["exec", ...binds, image, `${bins}/pg_controldata`, "/data/db"]);
      expect(state).toMatch(/^Database cluster state: +shut down$/m);
    },
    60_000,
  );

  testService(
    "Redis keeps what clients wrote from one instance to the next",
    async () => {
      const port = await freePort();
      const binds = prepare(
        "redis",
        `exec redis-server --port "$1" --bind 127.0.0.1 --dir /data --daemonize no\n`,
      );
      const cli = (...words: string[]) =>
        must(["exec", image, "redis-cli", "-p", String(port), ...words]);
      for (const round of ["first", "second"]) {
        await must(["instance", "start", "--contain", ...binds, image, "cache", String(port)]);
        expect(await until(async () => (await cli("ping").catch(() => "")) === "PONG\n")).toBe(
          true,
        );
        if (round === "first") {
          const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
          await client.set("key", "from the host");
          expect(await client.get("key")).toBe("from the host");
          client.close();
          await cli("save");
        }
        expect(await cli("get", "key")).toBe("from the host\n");
        expect(
          await must(["exec", "instance://cache", "redis-cli", "-p", String(port), "dbsize"]),
        ).toBe("1\n");
        await stop("cache", "TERM");
      }
    },
    60_000,
  );

  testService(
    "nginx serves pages, reloads by a signal from a joined process, and logs",
    async () => {
      const port = await freePort();
      const binds = prepare(
        "web",
        "exec nginx -c /data/nginx.conf -e stderr -p /data -g 'daemon off;'\n",
      );
      writeFileSync(`${lab.dir}/web/index.html`, "a page\n");
      const conf = (text: string): void =>
        writeFileSync(
          `${lab.dir}/web/nginx.conf`,
          `pid /data/pid; events {} http { access_log /dev/stdout;
${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path /data/${kind};`).join("\n")}
server { listen 127.0.0.1:${port}; root /data; location = /text { return 200 "${text}"; } } }\n`,
        );
      conf("one");
      const user = ordinaryUser();
      if (isRoot && user !== undefined) giveTo(`${lab.dir}/web`, user);
      await must(["instance", "start", ...binds, image, "web"]);
      const get = async (path: string): Promise<string> => {
        try {
          return await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
        } catch {
          return "";
        }
      };
      expect(await until(async () => (await get("/")) === "a page\n")).toBe(true);
      const inside = await must([
        ...["exec", image, "bash", "-c"],
        `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET /text HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3`,
      ]);
      expect(inside).toBe("one");
      conf("two");
      await must(["exec", "instance://web", "sh", "-c", "kill -HUP $(cat /data/pid)"]);
      expect(await until(async () => (await get("/text")) === "two")).toBe(true);
      const [one] = await lab.list("web");
      expect(readFileSync(one?.logOutPath ?? "", "utf8")).toContain('"GET /text HTTP/1.0" 200 3');
      await stop("web", "QUIT");
      expect(await until(() => leftRunning(lab.dir).length === 0)).toBe(true);
    },
    60_000,
  );
});
