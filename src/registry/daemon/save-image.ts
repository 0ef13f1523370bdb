import { closeSync, openSync, writeSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { readErrorBody } from "../http/error-body.ts";
import { readPieces } from "../http/read-body.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such socket",
  FailedToOpenSocket: "no such socket, or it is not yours",
  EACCES: "permission denied",
  ECONNREFUSED: "connection refused",
  ConnectionRefused: "connection refused",
};
const DEFAULT_HOST = "unix:///var/run/docker.sock";

/**
 * Has a Docker daemon write an image as an archive to `path` (Docker Engine API, ImageGet). `host` is
 * as in DOCKER_HOST: `unix://PATH`, `tcp://HOST:PORT` or an http address; "" for the usual socket.
 * Throws a Fault when the daemon is not reached or has no such image.
 */
export async function saveImage(
  host: string,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const address = host === "" ? DEFAULT_HOST : host;
  const [, kind = "", place = ""] = /^(unix|tcp|http|https):\/\/(.+)$/s.exec(address) ?? [];
  if (kind === "") {
    throw new Fault("usage", `Cannot use the Docker daemon at "${address}"`, {
      exitCode: 255,
      hint: "write unix://PATH or tcp://HOST:PORT",
    });
  }
  const scheme = kind === "https" ? "https" : "http";
  const base = kind === "unix" ? "http://localhost" : `${scheme}://${place.replace(/\/+$/, "")}`;
  const attempt = `Cannot get "${name}" from the Docker daemon at ${address}`;
  // Without a tag the daemon would save every image of the name.
  const full = /[:@][^/]+$/.test(name) ? name : `${name}:latest`;
  let answer: Response;
  try {
    answer = await fetch(`${base}/images/get?names=${encodeURIComponent(full)}`, {
      redirect: "error",
      decompress: false,
      signal,
      ...(kind === "unix" ? { unix: place } : {}),
    } as BunFetchRequestInit);
  } catch (cause) {
    signal.throwIfAborted();
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const why = `Cannot connect to the Docker daemon at ${address}: ${REASONS[code] ?? code}`;
    throw new Fault("io", `Cannot get "${name}": ${why}`, {
      cause,
      hint: "is the docker daemon running, and may you use it? Another address goes into --docker-host",
    });
  }
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    const code = answer.status === 404 ? "not-found" : "failed";
    throw new Fault(code, `${attempt}: ${said === "" ? `it answers ${answer.status}` : said}`);
  }
  const fd = openSync(path, "wx", 0o600);
  try {
    for await (const piece of readPieces(answer)) {
      for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
    }
  } finally {
    closeSync(fd);
  }
}
