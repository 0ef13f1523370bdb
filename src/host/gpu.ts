import { neededGlibc } from "../format/elf/glibc-version.ts";
import { type CachedLibrary, parseLdCache, parseLdconfigOutput } from "../format/ldcache/parse.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { GpuHost, HostElf } from "../plan/gpu/gpu-facts.ts";
import { elfMachineOf } from "./_arch.ts";
import { once, perKey } from "./_once.ts";
import { elfFile } from "./elf-file.ts";

const LD_CACHE = "/etc/ld.so.cache";

/** Where this machine keeps what discovery reads; the default is the real place. */
export interface GpuHostOptions {
  readonly ldCache?: string;
}

/** What GPU discovery asks of this machine; each part is read when it is first asked for. */
export function gpuHost(host: HostFacts, options: GpuHostOptions = {}): GpuHost {
  const libraries = once(() => readCache(host, options.ldCache ?? LD_CACHE));
  return {
    get libraries() {
      return libraries();
    },
    get machine() {
      return elfMachineOf(host.arch) ?? 0;
    },
    elf: perKey(readElf),
  };
}

/** The cache file; where it is missing or of another form, what ldconfig prints. */
function readCache(host: HostFacts, path: string): readonly CachedLibrary[] {
  const bytes = host.files.read(path);
  const cached = bytes === undefined ? undefined : parseLdCache(bytes);
  if (cached !== undefined) return cached;
  const ldconfig = host.tool("ldconfig");
  if (ldconfig === undefined) return [];
  const printed = Bun.spawnSync([ldconfig, "-p"], { stdin: "ignore", stderr: "ignore" });
  return printed.exitCode === 0 ? parseLdconfigOutput(printed.stdout.toString()) : [];
}

function readElf(path: string): HostElf | undefined {
  const elf = elfFile(path);
  if (elf === undefined) return undefined;
  return { machine: elf.machine, soname: elf.soname, needsGlibc: neededGlibc(elf) };
}
