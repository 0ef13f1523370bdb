import { Fault } from "../base/fault.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import { UsageFault } from "../cli/usage-fault.ts";
import { hostFacts } from "../host/facts.ts";
import type { HostFacts } from "../plan/facts.ts";
import { ownBinary } from "../runtime/installed.ts";
import { recordDirectory, recordDirectoryOf } from "../runtime/instances/places.ts";
import type { InstanceRecord } from "../runtime/instances/records.ts";
import { sharedContainers } from "../runtime/instances/shared.ts";
import { startInstance } from "../runtime/instances/start.ts";
import { namePattern, surveyInstances } from "../runtime/instances/survey.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import { fetchedImage } from "./_fetched-image.ts";
import { rareGatherers } from "./_rare-gatherers.ts";
import { instancesAsJson, instanceTable, logTable, type Row } from "./instance/list.ts";
import { startingWords } from "./instance/starting-words.ts";
import { showStats } from "./instance/stats.ts";
import { parseSignal, stopAll } from "./instance/stop.ts";
import { systemdUnit } from "./instance/unit.ts";

/** `instance start|run|list|stop|stats|unit`. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  switch (inv.path[1]) {
    case "start":
    case "run":
      return start(inv, ctx);
    case "list":
      return list(inv, ctx);
    case "stop":
      return stop(inv, ctx);
    case "stats":
      return showStats(theOnly(inv, ctx), inv.bool("json"), inv.bool("no-stream"), ctx);
    default:
      ctx.print(systemdUnit(theOnly(inv, ctx)));
      return 0;
  }
}

async function start(inv: Invocation, ctx: Context): Promise<number> {
  const [image = "", ...rest] = inv.args;
  if (asksForOci(inv)) {
    throw new Fault("unsupported", "Cannot use --oci: instances are started natively", {
      hint: "leave --oci out, or use the oci commands",
    });
  }
  const isAddress = /^[a-z][a-z0-9+-]*:/.test(image);
  const fetched = isAddress ? await fetchedImage(image, inv, ctx) : undefined;
  const call = fetched === undefined ? inv : inv.withArgs([fetched.path, ...rest]);
  const command = [ownBinary(), ...startingWords(inv)];
  try {
    return await startInstance(call, ctx, rareGatherers(ctx), command, fetched?.temporary);
  } finally {
    // Only an instance that was not started comes here.
    fetched?.drop();
  }
}

function list(inv: Invocation, ctx: Context): number {
  if (inv.bool("json") && inv.bool("logs")) {
    throw new Fault("usage", "more than one flags have been set", {
      exitCode: 255,
      hint: "use --json or --logs",
    });
  }
  const fits = namePattern(inv.args[0] ?? "*");
  const shared = inv.bool("all") && inv.string("user") === "" ? sharedContainers() : [];
  const instances: Row[] = [
    ...find(inv, ctx, inv.args[0] ?? "*").instances,
    ...shared
      .filter(({ name }) => fits(name))
      .map((one) => ({ ...one, logErrPath: "", logOutPath: "" })),
  ];
  if (inv.bool("json")) ctx.print(instancesAsJson(instances));
  else ctx.print(inv.bool("logs") ? logTable(instances) : instanceTable(instances));
  return 0;
}

async function stop(inv: Invocation, ctx: Context): Promise<number> {
  const all = inv.bool("all");
  if ((inv.args[0] === undefined) !== all) throw usage(inv, "invalid command");
  const signal = inv.bool("force") ? 9 : parseSignal(inv.string("signal"));
  const { directory, instances } = find(inv, ctx, inv.args[0] ?? "*");
  if (instances.length === 0) throw usage(inv, "no instance found");
  return stopAll(directory, instances, { signal, timeoutMs: inv.int("timeout") * 1000 }, ctx);
}

/** The one instance that a command is about. */
function theOnly(inv: Invocation, ctx: Context): InstanceRecord {
  const name = inv.args[0] ?? "";
  const { instances } = find(inv, ctx, undefined);
  const found = instances.find((one) => one.name === name);
  if (found === undefined) throw usage(inv, "no instance found");
  return found;
}

/** The running instances of the user that is asked for, and where their records are. */
function find(
  inv: Invocation,
  ctx: Context,
  pattern: string | undefined,
): { readonly directory: string; readonly instances: readonly InstanceRecord[] } {
  const { values } = readConfig(inv);
  const host = hostFacts({ binaryPath: values.binaryPath, env: ctx.env });
  const user = inv.has("user") ? inv.string("user") : "";
  const owner = user === "" ? undefined : ownerOf(user, host, inv.path[1] ?? "");
  const directory =
    owner === undefined ? recordDirectory(host) : recordDirectoryOf(host, owner.home, owner.uid);
  const fits =
    pattern === undefined ? (name: string) => name === inv.args[0] : namePattern(pattern);
  const tell = (text: string): void => ctx.log.verbose(text);
  return { directory, instances: surveyInstances(directory, fits, owner?.uid, tell) };
}

function ownerOf(
  name: string,
  host: HostFacts,
  verb: string,
): { readonly home: string; readonly uid: number } {
  if (host.uid !== 0) {
    throw new Fault("denied", `Only root user can ${verb} user's instances`, {
      hint: "leave --user out",
    });
  }
  const account = host.accountByName(name);
  if (account !== undefined) return account;
  throw new Fault("not-found", `Cannot look for the instances of "${name}": no such user`, {
    hint: "give the name of an account of this machine",
  });
}

function usage(inv: Invocation, text: string): UsageFault {
  return new UsageFault(text, "args", inv.command, inv.path);
}
