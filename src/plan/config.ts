/** A yes/no directive or one with a closed set of words; names are the directives' own, in camel case. */
export interface ConfigValues {
  readonly allowSetuid: boolean;
  readonly maxLoopDevices: number;
  readonly allowIpcNs: boolean;
  readonly allowPidNs: boolean;
  readonly allowUserNs: boolean;
  readonly allowUtsNs: boolean;
  readonly configPasswd: boolean;
  readonly configGroup: boolean;
  readonly configResolvConf: boolean;
  readonly mountProc: boolean;
  readonly mountSys: boolean;
  readonly mountDev: "yes" | "no" | "minimal";
  readonly mountDevpts: boolean;
  readonly mountHome: boolean;
  readonly mountTmp: boolean;
  readonly mountHostfs: boolean;
  readonly mountSlave: boolean;
  /** `src` or `src:dst`, in file order. */
  readonly bindPath: readonly string[];
  readonly userBindControl: boolean;
  readonly enableFusemount: boolean;
  readonly enableOverlay: "yes" | "no" | "try" | "driver";
  readonly enableUnderlay: "yes" | "no" | "preferred";
  /** MiB. */
  readonly sessiondirMaxSize: number;
  readonly limitContainerOwners: readonly string[];
  readonly limitContainerGroups: readonly string[];
  readonly limitContainerPaths: readonly string[];
  readonly allowContainerSif: boolean;
  readonly allowContainerEncrypted: boolean;
  readonly allowContainerSquashfs: boolean;
  readonly allowContainerExtfs: boolean;
  readonly allowContainerDir: boolean;
  readonly allowSetuidMountEncrypted: boolean;
  readonly allowSetuidMountSquashfs: "yes" | "no" | "iflimited";
  readonly allowSetuidMountExtfs: boolean;
  readonly allowNetUsers: readonly string[];
  readonly allowNetGroups: readonly string[];
  readonly allowNetNetworks: readonly string[];
  readonly allowNetnsPaths: readonly string[];
  readonly alwaysUseNv: boolean;
  readonly useNvidiaContainerCli: boolean;
  readonly alwaysUseRocm: boolean;
  readonly rootDefaultCapabilities: "full" | "file" | "no";
  readonly memoryFsType: "tmpfs" | "ramfs";
  readonly cniConfigurationPath: string;
  readonly cniPluginPath: string;
  readonly binaryPath: string;
  readonly mksquashfsProcs: number;
  readonly mksquashfsMem: string;
  readonly sharedLoopDevices: boolean;
  readonly imageDriver: string;
  readonly downloadConcurrency: number;
  readonly downloadPartSize: number;
  readonly downloadBufferSize: number;
  readonly sharedImageCache: string;
  readonly systemdCgroups: boolean;
  readonly apptheusSocketPath: string;
  readonly allowMonitoring: boolean;
}

/** The configuration in force, and where each value came from ("default", or `FILE:LINE`). */
export interface Config {
  readonly values: ConfigValues;
  /** File that was read; absent when the built-in defaults are used. */
  readonly file: string | undefined;
  /** Directive in the file's spelling ("mount home") → source text. Absent entries are defaults. */
  readonly sources: Readonly<Record<string, string>>;
}
