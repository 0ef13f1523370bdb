import { Fault } from "../../base/fault.ts";
import type { Agent } from "./agent.ts";
import { arch } from "./arch.ts";
import { buildkit } from "./buildkit.ts";
import { busybox } from "./busybox.ts";
import { debootstrap } from "./debootstrap.ts";
import { dnf } from "./dnf.ts";
import { fetched } from "./fetched.ts";
import { localimage } from "./localimage.ts";
import { oci } from "./oci.ts";
import { scratch } from "./scratch.ts";
import { zypper } from "./zypper.ts";

const AGENTS: Readonly<Record<string, Agent>> = {
  scratch,
  localimage,
  debootstrap,
  mmdebstrap: debootstrap,
  busybox,
  docker: oci,
  "docker-archive": oci,
  "docker-daemon": oci,
  oci,
  "oci-archive": oci,
  oras: fetched,
  library: fetched,
  shub: fetched,
  yum: dnf,
  dnf,
  zypper,
  arch,
  buildkit,
};

/** The agent that a `Bootstrap:` value names; the value is known to be one of the grammar's. */
export function findAgent(name: string): Agent {
  const agent = Object.hasOwn(AGENTS, name) ? AGENTS[name] : undefined;
  if (agent !== undefined) return agent;
  throw new Fault(
    "unsupported",
    `unable to get conveyorpacker: Cannot build from "${name}": this version has no such agent`,
    {
      hint: `agents of this version: ${Object.keys(AGENTS).join(", ")}`,
    },
  );
}
