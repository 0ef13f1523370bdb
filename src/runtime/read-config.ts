import type { Invocation } from "../cli/invocation.ts";
import { loadConfig } from "../config/load.ts";
import { hostFiles } from "../host/host-files.ts";
import type { Config } from "../plan/config.ts";
import { installPrefix } from "./installed.ts";

/** The configuration that the global flags select. */
export function readConfig(inv: Invocation): Config {
  const file = inv.globals.string("config");
  return loadConfig({
    files: hostFiles(),
    prefix: installPrefix(),
    forBuild: inv.globals.bool("build-config"),
    ...(file === "" ? {} : { file }),
  });
}
