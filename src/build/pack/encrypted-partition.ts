import { mkdirSync, readdirSync, statSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { withoutKeys } from "../../runtime/luks/open-luks.ts";
import { lastWords, runChild } from "../child.ts";
import { removeTree } from "../remove-tree.ts";
import type { BuildPorts } from "../stage.ts";
import { packSquashfs, type SquashfsInput } from "./squashfs.ts";

/** How the root partition of an image is encrypted (sif.md section 11). */
export interface PackEncryption {
  /** By dm-crypt, which takes root to write and to start; or by gocryptfs. */
  readonly form: "luks" | "gocryptfs";
  /** The passphrase or key that the program is given; for gocryptfs a line of text. */
  readonly secret: Uint8Array;
  /** A random key wrapped for an RSA key, as the object beside the partition has it; absent: a passphrase. */
  readonly message?: string;
}

/**
 * Keeps gocryptfs mounted for as long as its standard input is open, so that it ends with the builder
 * whatever happens to that: the first line is the passphrase, the end of input unmounts.
 */
const TETHERED = `IFS= read -r key
printf '%s\\n' "$key" | "$@" &
pid=$!
while read -r _; do :; done
kill "$pid" 2>/dev/null
wait "$pid"`;

const NAME = "squashfs-";
const MOUNT_TIMEOUT_MS = 30_000;

/**
 * Packs a root as an encrypted partition:
 *
 *   mksquashfs ─► CLEAR/squashfs-N ─ gocryptfs ─► CIPHER/squashfs-N, gocryptfs.conf
 *                                        mksquashfs (nothing compressed) ─► target
 *
 * What is in clear passes through memory only. `work` is a directory on the file system of the
 * target; the caller removes it.
 */
export async function packEncrypted(
  input: SquashfsInput,
  encryption: PackEncryption,
  work: string,
  ports: BuildPorts,
): Promise<void> {
  if (encryption.form === "luks") {
    const { packLuks } = await import("./luks-partition.ts");
    const key = { bytes: encryption.secret, isRandom: encryption.message !== undefined };
    return await packLuks(input, key, ports);
  }
  const gocryptfs = ports.tool("gocryptfs");
  if (gocryptfs === undefined) {
    throw new Fault("missing-tool", "while encrypting: gocryptfs is not in PATH", {
      hint: "install the package gocryptfs",
    });
  }
  const [cipher, clear] = [`${work}/cipher`, `${work}/clear`];
  for (const path of [work, cipher, clear]) mkdirSync(path, { mode: 0o700 });
  const init = ["-init", "-q", "-deterministic-names", "-plaintextnames", cipher];
  const made = spawnWithKey([gocryptfs, ...init], encryption.secret, ports.signal);
  made.stdin.end();
  const said = await new Response(made.stderr).text();
  if ((await made.exited) !== 0) {
    throw new Fault("failed", `while encrypting: gocryptfs -init: ${lastWords(said)}`);
  }
  const file = `${NAME}${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const mount = [gocryptfs, "-fg", "-q", "-nosyslog", cipher, clear];
  const server = spawnWithKey(
    ["/bin/sh", "-c", TETHERED, "sh", ...mount],
    encryption.secret,
    ports.signal,
  );
  try {
    await waitForMount(clear, work, server);
    await packSquashfs({ ...input, target: `${clear}/${file}`, offsetBytes: 0 });
  } finally {
    server.stdin.end();
    await server.exited;
  }
  await packOuter(input, cipher, ports);
}

async function packOuter(input: SquashfsInput, cipher: string, ports: BuildPorts): Promise<void> {
  const files = readdirSync(cipher).map((name) => `${cipher}/${name}`);
  const how = ["-noappend", "-no-progress", "-quiet", "-exit-on-error", "-comp", "gzip"];
  const end = await runChild({
    argv: [
      ...[input.tool, ...files, input.target, ...how, "-noD", "-noF", "-all-root"],
      ...["-offset", String(input.offsetBytes)],
    ],
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: ports.signal,
  });
  if (end.status === 0) return;
  throw new Fault("failed", `while creating squashfs: ${end.words}: ${lastWords(end.stderr)}`);
}

/** A program whose standard input begins with the secret, so that no list of processes shows it. */
function spawnWithKey(
  argv: readonly string[],
  secret: Uint8Array,
  signal: AbortSignal,
): Bun.Subprocess<"pipe", "ignore", "pipe"> {
  signal.throwIfAborted();
  const child = Bun.spawn([...argv], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
    env: withoutKeys(),
  });
  child.stdin.write(secret);
  child.stdin.write("\n");
  child.stdin.flush();
  return child;
}

async function waitForMount(
  clear: string,
  beside: string,
  server: Bun.Subprocess<"pipe", "ignore", "pipe">,
): Promise<void> {
  const until = performance.now() + MOUNT_TIMEOUT_MS;
  while (statSync(clear).dev === statSync(beside).dev) {
    if (server.exitCode !== null || performance.now() > until) {
      server.stdin.end();
      const said = await new Response(server.stderr).text();
      throw new Fault("failed", `while encrypting: gocryptfs cannot mount: ${lastWords(said)}`, {
        hint: "it needs /dev/fuse and fusermount3 (package fuse3)",
      });
    }
    await Bun.sleep(20);
  }
}

/** Removes what packEncrypted left. */
export function removeEncrypted(work: string): void {
  removeTree(work);
}
