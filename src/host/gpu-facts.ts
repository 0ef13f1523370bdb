import type { FileView } from "../base/file-view.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { GpuFacts } from "../plan/gpu/gpu-facts.ts";
import { once } from "./_once.ts";
import { CDI_DIRECTORIES, readCdiFiles } from "./cdi.ts";
import { type GpuHostOptions, gpuHost } from "./gpu.ts";
import { findGpuList } from "./gpu-lists.ts";
import { imageLibc } from "./image-libc.ts";

export interface GpuFactsOptions extends GpuHostOptions {
  readonly host: HostFacts;
  /** Tree of the image that the files go into. */
  readonly tree: FileView;
  /** Configuration file in use; its directory may hold the lists. */
  readonly configFile: string | undefined;
  /** Install prefix. */
  readonly prefix: string | undefined;
  /** `--cdi-dirs`; empty: the usual ones. */
  readonly cdiDirectories: readonly string[];
}

/** Everything `planGpu` may ask for, each read when it is first asked for. */
export function gpuFacts(options: GpuFactsOptions): GpuFacts {
  const { host, tree, configFile, prefix, cdiDirectories } = options;
  const nvList = once(() => findGpuList("nvliblist.conf", configFile, prefix)?.text);
  const rocmList = once(() => findGpuList("rocmliblist.conf", configFile, prefix)?.text);
  const directories = cdiDirectories.length === 0 ? CDI_DIRECTORIES : cdiDirectories;
  const cdiFiles = once(() => readCdiFiles(directories));
  const libc = once(() => imageLibc(tree, host.arch));
  return {
    gpu: gpuHost(host, options),
    get nvList() {
      return nvList();
    },
    get rocmList() {
      return rocmList();
    },
    get cdiFiles() {
      return cdiFiles();
    },
    get libc() {
      return libc();
    },
  };
}
