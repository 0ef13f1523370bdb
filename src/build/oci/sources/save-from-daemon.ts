import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { Fault } from "../../../base/fault.ts";

const DEFAULT_HOST = "unix:///var/run/docker.sock";

/**
 * Has the Docker engine write an image as an archive and gives a path to read it from (reference: oci.md
 * section 10). The file has no name in any directory: it is gone with this process, however that ends.
 *
 * @param name `NAME:TAG` or an image id; `latest` where there is no tag.
 * @param host `unix://PATH` or `tcp://HOST:PORT`, as in DOCKER_HOST; empty for the usual socket.
 * @param folder where the file lies.
 */
export async function saveFromDaemon(name: string, host: string, folder: string): Promise<string> {
  const address = host === "" ? DEFAULT_HOST : host;
  const [, kind, place = ""] = /^(unix|tcp|http):\/\/(.+)$/s.exec(address) ?? [];
  const what = `Cannot get "${name}" from the Docker engine at "${address}"`;
  if (kind === undefined) {
    throw new Fault("usage", `${what}: unknown kind of address`, {
      exitCode: 255,
      hint: "DOCKER_HOST is unix://PATH or tcp://HOST:PORT",
    });
  }
  const base = kind === "unix" ? "http://localhost" : `http://${place.replace(/\/+$/, "")}`;
  const url = `${base}/images/get?names=${encodeURIComponent(name)}`;
  const response = await fetch(url, kind === "unix" ? { unix: place } : {}).catch((cause) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `${what}: ${reason}`, {
      cause,
      hint: "start the engine, or join the group that may use its socket; DOCKER_HOST names another",
    });
  });
  if (!response.ok || response.body === null) {
    const said = (await response.text()).slice(0, 500).trim();
    throw new Fault("not-found", `${what}: it answered ${response.status}: ${said}`, {
      hint: "`docker images` lists what it has",
    });
  }
  const temporary = mkdtempSync(`${folder}/skiff-daemon-`);
  let fd: number;
  try {
    fd = openSync(`${temporary}/image.tar`, "wx+", 0o600);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  try {
    for await (const piece of response.body) {
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `${what}: ${reason}`, {
      cause,
      hint: `"${folder}" needs room for the image; TMPDIR names another directory`,
    });
  }
  return `/proc/self/fd/${fd}`;
}
