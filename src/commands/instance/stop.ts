import { constants } from "node:os";
import { Fault } from "../../base/fault.ts";
import type { InstanceRecord } from "../../runtime/instances/records.ts";
import { type StopOptions, stopInstance } from "../../runtime/instances/stop.ts";
import type { Context } from "../../terminal/context.ts";

const SIGINT = 2;
const MOST_SIGNAL = 64;

/**
 * The number of a signal from its name, with or without SIG, or from its number; "" is SIGINT.
 *
 * @throws Fault for a word that is neither.
 */
export function parseSignal(text: string): number {
  if (text === "") return SIGINT;
  const name = text.toUpperCase().replace(/^(SIG)?/, "SIG");
  const known = (constants.signals as Readonly<Record<string, number>>)[name];
  if (known !== undefined) return known;
  const number = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 1 && number <= MOST_SIGNAL) return number;
  const why = Number.isNaN(number) ? "is not a number" : "is not a signal";
  throw new Fault("usage", `Could not convert stop signal: ${text} ${why}`, {
    exitCode: 255,
    hint: "give a name such as TERM or SIGTERM, or a number from 1 to 64",
  });
}

/** Stops all of them at the same time; gives the exit status. */
export async function stopAll(
  directory: string,
  instances: readonly InstanceRecord[],
  options: Pick<StopOptions, "signal" | "timeoutMs">,
  ctx: Context,
): Promise<number> {
  const outcomes = await Promise.all(
    instances.map(async (one) => {
      const what = `${one.name} instance of ${one.image} (PID=${one.pid})`;
      ctx.log.info(`Stopping ${what}`);
      const onKill = (): void => ctx.log.info(`Killing ${what} (Timeout)`);
      const outcome = await stopInstance(directory, one, { ...options, onKill });
      if (outcome === "denied") {
        ctx.log.error(`Cannot stop ${what}: it belongs to another user`);
      } else if (outcome === "stuck") {
        ctx.log.error(
          `Cannot stop ${what}: the kernel does not end it; a file system it uses hangs`,
        );
      }
      return outcome;
    }),
  );
  return outcomes.every((outcome) => outcome === "stopped") ? 0 : 255;
}
