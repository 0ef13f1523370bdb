import { admissionFiles } from "../config/admission-files.ts";
import { hostFiles } from "../host/host-files.ts";
import { endTrace, notePath, startTrace } from "../host/launch-trace.ts";
import { launcherNote } from "../host/launcher-note.ts";
import { rawArguments, rawEnvironment } from "../host/raw-environment.ts";
import { goesByProxy } from "../registry/http/question.ts";
import { becomeOther } from "../runtime/become-starter.ts";
import { installPrefix, ownBinary } from "../runtime/installed.ts";
import { encodeQuestion } from "../runtime/replay/question.ts";
import { rememberAddress } from "../runtime/replay/remember.ts";
import { noteSeen, wasSeen } from "../runtime/replay/seen.ts";
import type { Context } from "../terminal/context.ts";
import type { FetchedImage } from "./_fetched-image.ts";

/** Notes from now on what the meaning of an address depends on, where it is worth to be remembered. */
export function traceAddress(): void {
  const key = launcherNote()?.key;
  if (key !== undefined && wasSeen(key)) startTrace();
}

/**
 * Starts this program again with the path of a fetched image in place of its address, so that a known
 * launch of it needs no planning: that saves more than the second start costs. From the second time on
 * the launcher is told how to find out by itself what the address means. Returns where this
 * cannot help: no launch is kept here, or rules of admission look at the address.
 *
 * @param count words from the image on, its own included.
 */
export function launchByPath(
  count: number,
  image: FetchedImage,
  inherited: readonly number[],
  ctx: Pick<Context, "env">,
): void {
  const key = launcherNote()?.key;
  if (key === undefined) return;
  if (admissionFiles(hostFiles(), installPrefix()) !== undefined) return;
  const words = rawArguments(Bun.argv.length - 2);
  const env = rawEnvironment();
  if (words === undefined || env === undefined) return;
  notePath(ownBinary(), "content");
  const trace = endTrace();
  if (trace === undefined) noteSeen(key);
  else if (image.found !== undefined) {
    const { question, untilMs } = image.found;
    rememberAddress(key, {
      stamps: trace.stamps,
      path: image.path,
      imageWords: count,
      said: trace.lines.map((line) => `${line}\n`),
      question:
        question === undefined
          ? new Uint8Array()
          : encodeQuestion(question, !goesByProxy(question.url, ctx.env)),
      untilMs,
    });
  }
  const at = words.length - count;
  const again = [process.argv0, ...words.slice(0, at), image.path, ...words.slice(at + 1)];
  becomeOther("/proc/self/exe", again, env, inherited);
}
