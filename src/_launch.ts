import { createContext, ownEnvironment } from "./_surroundings.ts";
import { Fault } from "./base/fault.ts";
import { COMMANDS } from "./cli/commands/actions.ts";
import { finishFlags, parseCommand, readWords } from "./cli/parse.ts";
import { readProgramName } from "./cli/program.ts";
import { ROOT } from "./cli/root.ts";
import { UsageFault } from "./cli/usage-fault.ts";
import { imageHost } from "./host/image-host.ts";
import { closeOwnFiles, inheritedDescriptors } from "./host/inherited-descriptors.ts";
import { startTrace } from "./host/launch-trace.ts";
import { launcherNote } from "./host/launcher-note.ts";
import type { RareGatherers } from "./runtime/gather.ts";
import { launch } from "./runtime/launch.ts";
import { wasSeen } from "./runtime/replay/seen.ts";

/** Thrown where a launch turns out to need code that the short way does not have. */
class NotPlain extends Error {}

/** Only on machines that have rules about images; then it is a part of its own, as the launch goes on without all else. */
const askRules: RareGatherers["admit"] = async (question) => {
  const { admit } = await import("./runtime/admission/admit.ts");
  return await admit(question);
};

/** Only for OCI-SIFs, a part of its own as well. */
const readLayers: RareGatherers["layers"] = async (file) => {
  const { openAsOci } = await import("./image/ocisif/oci-image.ts");
  return openAsOci(file, imageHost);
};

/** Begins an address of an image that has to be fetched first. */
const ELSEWHERE =
  /^(docker|oras|library|shub|https?|ipfs|oci|oci-archive|docker-archive|docker-daemon):/;

/**
 * The short way of exec, run, shell and test: everything a plain launch needs is in this module's
 * static imports, nothing else is. Gives the exit status, or undefined when the command line is none
 * of these, asks for help, is wrong, needs GPUs or an image from elsewhere: then nothing has happened yet and the whole
 * program takes over.
 */
export async function launchDirectly(own: readonly string[]): Promise<number | undefined> {
  const key = launcherNote()?.key;
  if (key !== undefined && wasSeen(key)) startTrace();
  const { program, implied } = readProgramName(process.argv0);
  const words = [...implied, ...own];
  const env = ownEnvironment();
  let context = createContext(program, env, undefined);
  let dropFiles = (): void => {};
  try {
    const start = readWords(ROOT, [], words);
    const [verb, ...rest] = start.args;
    const command = COMMANDS.find((one) => one.name === verb);
    if (command === undefined || start.help || start.settings.has("version")) return undefined;
    const options = { preferNotice: program !== "singularity" };
    const { flags: globals, notices } = finishFlags(start, env, options);
    context = createContext(program, env, globals);
    const parsed = parseCommand(command, rest, { ...options, env, globals, notices });
    if (parsed.kind === "help") return undefined;
    if (ELSEWHERE.test(parsed.invocation.args[0] ?? "")) return undefined;
    if (parsed.invocation.bool("oci")) return undefined;
    const needsMore = (): never => {
      throw new NotPlain();
    };
    const inherited = inheritedDescriptors();
    const fetched = { inherited, temporary: undefined };
    dropFiles = () => closeOwnFiles(inherited);
    const rare = {
      gpu: needsMore,
      admit: askRules,
      clear: needsMore,
      layers: readLayers,
      oci: needsMore,
      controls: needsMore,
      scope: needsMore,
    };
    return await launch(parsed.invocation, context, rare, key, fetched);
  } catch (error) {
    if (error instanceof NotPlain || error instanceof UsageFault) {
      dropFiles();
      return undefined;
    }
    if (!(error instanceof Fault)) throw error;
    context.log.fatal(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
    return error.exitCode;
  }
}
