import { dirName, resolvePath } from "../../base/path.ts";
import type { CdiHook } from "./cdi-spec.ts";

/** What hooks of CDI devices want, as far as it can be had without running them. */
export interface HookIntent {
  /** Container directories whose libraries the linker should find. */
  readonly libraryFolders: readonly string[];
  /** Links to be made in the container; `target` is made absolute. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Command lines of the hooks that are not understood. */
  readonly ignored: readonly string[];
}

/** Hooks that change nothing that matters here: the container has the host's nodes with their modes, and no cache to renew. */
const HARMLESS: readonly string[] = [
  "chmod",
  "enable-cuda-compat",
  "disable-device-node-modification",
];

/**
 * Reads hooks by their arguments. Those of NVIDIA's tools have a sub-command and say all in flags:
 * `update-ldcache --folder DIR`, `create-symlinks --link TARGET::LINK`, each repeatable.
 */
export function readHooks(hooks: readonly CdiHook[]): HookIntent {
  const libraryFolders: string[] = [];
  const links: { path: string; target: string }[] = [];
  const ignored: string[] = [];
  for (const hook of hooks) {
    if (hook.args.includes("update-ldcache")) {
      libraryFolders.push(...flagValues(hook.args, "--folder"));
    } else if (hook.args.includes("create-symlinks")) {
      for (const pair of flagValues(hook.args, "--link")) {
        const [target, path] = pair.split("::");
        if (target === undefined || path === undefined || !path.startsWith("/")) continue;
        links.push({ path, target: resolvePath(dirName(path), target) });
      }
    } else if (!hook.args.some((word) => HARMLESS.includes(word))) {
      ignored.push([hook.path, ...hook.args.slice(1)].join(" "));
    }
  }
  return { libraryFolders: [...new Set(libraryFolders)], links, ignored };
}

/** Values of `--flag value` and `--flag=value`, in order. */
function flagValues(args: readonly string[], flag: string): readonly string[] {
  return args.flatMap((word, i) => {
    if (word.startsWith(`${flag}=`)) return [word.slice(flag.length + 1)];
    return args[i - 1] === flag ? [word] : [];
  });
}
