import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { firstReason } from "../support/skip.ts";

/** Why no cluster can be started here, or undefined. */
export function noSlurm(): string | undefined {
  return firstReason(notRoot(), ...["munged", "slurmctld", "slurmd", "srun"].map(noTool));
}

/** A Slurm cluster of this machine alone, on loopback. */
export interface Cluster {
  /** What clients need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends its processes. */
  stop(): Promise<void>;
}

/** Starts munged, slurmctld and slurmd with everything of theirs below `dir`; `noSlurm()` gave no reason. */
export async function startSlurm(dir: string): Promise<Cluster> {
  for (const name of ["munge", "state", "spool"]) mkdirSync(`${dir}/${name}`, { mode: 0o755 });
  const key = `${dir}/munge/key`;
  const socket = `${dir}/munge/socket`;
  writeFileSync(key, crypto.getRandomValues(new Uint8Array(1024)), { mode: 0o600 });
  const munge = accountOf("munge");
  for (const path of [`${dir}/munge`, key]) chownSync(path, munge.uid, munge.gid);
  const node = hostname().split(".")[0] ?? "";
  const [controller, daemon] = [freePort(), freePort()];
  const config = `${dir}/slurm.conf`;
  writeFileSync(
    config,
    `ClusterName=lab
SlurmctldHost=${node}(127.0.0.1)
SlurmUser=root
SlurmctldPort=${controller}
SlurmdPort=${daemon}
AuthType=auth/munge
AuthInfo=socket=${socket}
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
PlugStackConfig=/dev/null
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.pid
SlurmctldLogFile=${dir}/slurmctld.log
SlurmdLogFile=${dir}/slurmd.log
ReturnToService=2
KillWait=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1
NodeName=${node} NodeAddr=127.0.0.1 CPUs=64
PartitionName=all Nodes=ALL Default=YES State=UP
`,
  );
  const spawn = (...words: string[]): Bun.Subprocess =>
    Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const asMunge = ["setpriv", `--reuid=${munge.uid}`, `--regid=${munge.gid}`, "--clear-groups"];
  const daemons = [
    spawn(
      ...asMunge,
      ...["munged", "--foreground", `--key-file=${key}`, `--socket=${socket}`],
      ...["pid", "log", "seed"].map((name) => `--${name}-file=${dir}/munge/${name}`),
    ),
  ];
  const env = { SLURM_CONF: config };
  const stop = async (): Promise<void> => {
    for (const one of daemons.toReversed()) {
      one.kill("SIGTERM");
      await one.exited;
    }
  };
  try {
    const isIdle = async (): Promise<boolean> =>
      (
        await run(["sinfo", "--noheader", "-o", "%t"], { as: "self", extraEnv: env })
      ).stdout.trim() === "idle";
    await waitFor(() => run(["test", "-S", socket], { as: "self" }).then(({ code }) => code === 0));
    daemons.push(spawn("slurmctld", "-D", "-f", config), spawn("slurmd", "-D", "-f", config));
    await waitFor(isIdle);
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function waitFor(look: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await look()); await Bun.sleep(100)) {
    if (Date.now() > end) throw new Error("The cluster did not start");
  }
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

function accountOf(name: string): { readonly uid: number; readonly gid: number } {
  const line = readFileSync("/etc/passwd", "utf8").match(
    new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, "m"),
  );
  if (line === null) throw new Error(`There is no account ${name}`);
  return { uid: Number(line[1]), gid: Number(line[2]) };
}
