import { elfFacts } from "../format/elf/elf-facts.ts";
import { neededGlibc } from "../format/elf/glibc-version.ts";
import { type CachedLibrary, parseLdCache, parseLdconfigOutput } from "../format/ldcache/parse.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { GpuHost, HostElf } from "../plan/gpu/gpu-facts.ts";
import { elfMachineOf } from "./_arch.ts";
import { once, perKey } from "./_once.ts";
import { close, O_NONBLOCK, O_RDONLY, open, pread } from "./syscall.ts";

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
  // Not blocking: the path may turn out to be a FIFO.
  const fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return undefined;
  try {
    const elf = elfFacts((offset, length) => {
      const buffer = new Uint8Array(length);
      return buffer.subarray(0, Math.max(pread(fd, buffer, offset), 0));
    });
    if (elf === undefined) return undefined;
    return { machine: elf.machine, soname: elf.soname, needsGlibc: neededGlibc(elf) };
  } finally {
    close(fd);
  }
}
