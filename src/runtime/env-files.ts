import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { evaluateEnvFile } from "../plan/env/env-file.ts";
import type { EnvFileValues } from "../plan/env/environment-input.ts";
import type { HostFacts, ImageFacts } from "../plan/facts.ts";
import type { LaunchRequest } from "../plan/request.ts";

/** Reads and evaluates the files of `--env-file` on the host (reference: runtime.md 2.2). */
export function readEnvFiles(
  inv: Invocation,
  request: LaunchRequest,
  image: ImageFacts,
  host: HostFacts,
): EnvFileValues[] {
  return inv.strings("env-file").map((path) => {
    const real = host.realPath(resolvePath(host.cwd ?? "/", path));
    const bytes = real === undefined ? undefined : host.files.read(real);
    if (bytes === undefined) {
      throw new Fault(
        "not-found",
        `while setting environment: while processing ${path}: could not read environment file "${path}": no such file, or it is not readable`,
        { hint: "check the path given to --env-file" },
      );
    }
    const result = evaluateEnvFile({
      file: { path, text: decodeOsText(bytes) },
      host: host.env,
      imagePath: image.path,
      action: request.action,
      arguments: request.args,
      cwd: host.cwd ?? "/",
    });
    if (result.kind === "values") return { path, variables: result.variables };
    // The reference tool, too, runs no programs for such a file.
    const why = result.kind === "failed" ? result.text : `${result.reason}: execution is disabled`;
    throw new Fault("invalid", `while setting environment: while processing ${path}: ${why}`, {
      hint: "an environment file holds assignments; values may use quotes and variables, but run no programs",
    });
  });
}
