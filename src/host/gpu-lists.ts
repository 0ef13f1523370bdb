import { dirName } from "../base/path.ts";
import { statFollow } from "./host-files.ts";
import { readHostText } from "./read-text.ts";

/** Text of a site's list file, and where it is. */
export interface ListFile {
  readonly path: string;
  readonly text: string;
}

/**
 * A list of GPU files ("nvliblist.conf", "rocmliblist.conf"): beside the configuration file in use,
 * then in PREFIX/etc/skiff, /etc/skiff, /etc/apptainer and /etc/singularity. Undefined when there is
 * none: then the built-in list holds.
 */
export function findGpuList(
  name: "nvliblist.conf" | "rocmliblist.conf",
  configFile: string | undefined,
  prefix: string | undefined,
): ListFile | undefined {
  const directories = [
    ...(configFile === undefined ? [] : [dirName(configFile)]),
    ...(prefix === undefined ? [] : [`${prefix}/etc/skiff`]),
    "/etc/skiff",
    "/etc/apptainer",
    "/etc/singularity",
  ];
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    if (statFollow(path)?.kind === "file") return { path, text: readHostText(path) };
  }
  return undefined;
}
