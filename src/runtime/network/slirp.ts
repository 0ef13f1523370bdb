import { mkdtempSync, readSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { Fault } from "../../base/fault.ts";
import type { PortMapping } from "../../plan/network/network-args.ts";
import type { SlirpTask } from "../../plan/network/user-network.ts";

const READY_MS = 10_000;
const STEP_MS = 2;

/**
 * Starts slirp4netns on the namespaces of a process, waits until the network is there, and maps
 * ports. It is left running: whoever called this looks after it.
 *
 * @throws Fault with its own words.
 */
export async function startSlirp(task: SlirpTask, pid: number): Promise<void> {
  const dir = mkdtempSync(`${tmpdir()}/skiff-slirp-`);
  try {
    const socket = `${dir}/api`;
    const options = ["--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3"];
    const child = Bun.spawn(
      [task.tool, ...options, `--api-socket=${socket}`, ...task.options, String(pid), "tap0"],
      { stdio: ["ignore", "ignore", "inherit", "pipe"] },
    );
    child.unref();
    if (!(await isReady(child.stdio[3]))) {
      throw new Fault("failed", `slirp4netns ended with status ${await child.exited}`);
    }
    for (const port of task.ports) await mapPort(socket, port);
  } finally {
    // The socket stays open without its name.
    rmSync(dir, { recursive: true, force: true });
  }
}

/** It writes one byte when the interface is configured; the end of the pipe comes when it fails. */
async function isReady(fd: unknown): Promise<boolean> {
  if (typeof fd !== "number") return false;
  for (let waited = 0; waited < READY_MS; waited += STEP_MS) {
    try {
      return readSync(fd, new Uint8Array(1)) === 1;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
    await Bun.sleep(STEP_MS);
  }
  return false;
}

/** One request per connection: a JSON object, answered by one (slirp4netns(1), API SOCKET). */
async function mapPort(socket: string, port: PortMapping): Promise<void> {
  const request = {
    execute: "add_hostfwd",
    arguments: {
      proto: port.protocol,
      host_addr: "0.0.0.0",
      host_port: port.hostPort,
      guest_port: port.containerPort,
    },
  };
  const answer = await new Promise<string>((resolve, reject) => {
    let text = "";
    const link = connect(socket, () => link.end(JSON.stringify(request)));
    link.on("data", (bytes) => {
      text += bytes.toString();
    });
    link.on("end", () => resolve(text));
    link.on("error", reject);
  });
  const { error } = JSON.parse(answer);
  if (error === undefined) return;
  throw new Fault(
    "failed",
    `port ${port.hostPort}/${port.protocol} of the host cannot be mapped: ${error.desc ?? answer}`,
  );
}
