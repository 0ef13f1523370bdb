import { Fault } from "../../base/fault.ts";
import type { HostFacts } from "../facts.ts";
import type { FuseMount } from "../plan.ts";
import type { MountInput } from "./mount-input.ts";
import type { MountList } from "./mount-list.ts";

/** A `--fusemount` word: `TYPE:COMMAND MOUNTPOINT`. */
interface FuseSpec {
  readonly where: FuseMount["where"];
  readonly daemon: boolean;
  readonly words: readonly string[];
  readonly target: string;
}

const PREFIX = /^(container|host)(-daemon)?:/;
const PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * Mounts that the user's own FUSE programs serve (reference: runtime.md 4.8).
 *
 * @throws Fault for what is no such mount, for a program that is not there, and where the
 *   configuration or the kernel forbids it.
 */
export function addFuseMounts(list: MountList, input: MountInput): void {
  const { request, config, host } = input;
  for (const text of request.fusemounts) {
    if (!config.values.enableFusemount) {
      throw new Fault("denied", "fusemount disabled by configuration 'enable fusemount = no'", {
        hint: "leave --fusemount out, or ask the administrator",
      });
    }
    const spec = parse(text);
    if (!host.fuse) {
      throw new Fault("unsupported", `Cannot use --fusemount ${text}: /dev/fuse cannot be opened`, {
        hint: "load the fuse module and make /dev/fuse readable and writable for users (mode 0666)",
      });
    }
    const program = findProgram(spec, host, list);
    const why = request.origins["fusemount"] ?? "--fusemount";
    const place = list.place(spec.target, { kind: "dir", what: spec.target });
    if (place === undefined) continue;
    const { where, daemon, words } = spec;
    const command = [program, ...words.slice(1)];
    list.add(
      { kind: "fuse", target: place.target, create: place.create, where, daemon, command, why },
      undefined,
      text,
    );
  }
}

function parse(text: string): FuseSpec {
  const bad = (why: string): Fault =>
    new Fault("usage", `While setting FUSE mount configuration: while setting fuse mount: ${why}`, {
      exitCode: 255,
      hint: 'write --fusemount "container:PROGRAM ARGUMENTS MOUNTPOINT", or host:, container-daemon:, host-daemon:',
    });
  const found = PREFIX.exec(text);
  if (found === null) {
    throw bad(`fusemount spec begin with an unknown prefix ${text.split(":")[0]}`);
  }
  const words = text
    .slice(found[0].length)
    .split(/\s+/)
    .filter((word) => word !== "");
  const target = words.pop();
  if (target === undefined || words.length === 0) {
    throw bad(`no whitespace separators found in command ${JSON.stringify(text)}`);
  }
  if (!target.startsWith("/")) throw bad(`destination must be an absolute path: ${target}`);
  const where = found[1] === "host" ? "host" : "container";
  return { where, daemon: found[2] !== undefined, words, target };
}

function findProgram({ where, words }: FuseSpec, host: HostFacts, list: MountList): string {
  const name = words[0] ?? "";
  const found =
    where === "host"
      ? host.tool(name)
      : (name.includes("/") ? [name] : PATH.map((dir) => `${dir}/${name}`)).find(
          (path) => list.table.resolve(path).entry?.kind === "file",
        );
  if (found !== undefined) return found;
  throw new Fault(
    "not-found",
    `could not start program ${words.join(" ")}: exec: "${name}": executable file not found in $PATH`,
    { hint: where === "host" ? "install it on the host" : "install it in the image, or use host:" },
  );
}
