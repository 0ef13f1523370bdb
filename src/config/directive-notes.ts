import type { ConfigValues } from "../plan/config.ts";

/** What a directive does, for the comment above it in the default file. */
export const DIRECTIVE_NOTES: Readonly<Record<keyof ConfigValues, string>> = {
  allowSetuid: "Kept for files shared with other programs: there is no setuid part here.",
  maxLoopDevices:
    "Number of the last loop device to use, and one more, when root mounts images with the kernel.",
  allowIpcNs: "Whether users may ask for an IPC namespace.",
  allowPidNs: "Whether users may ask for a PID namespace.",
  allowUserNs: "Whether user namespaces may be made. Without them only root can start containers.",
  allowUtsNs: "Whether users may ask for a UTS namespace (a host name of the container's own).",
  configPasswd: "Add the caller to the image's /etc/passwd.",
  configGroup: "Add the caller's groups to the image's /etc/group.",
  configResolvConf: "Give the container the host's /etc/resolv.conf.",
  mountProc: "Mount /proc in the container.",
  mountSys: "Mount /sys in the container.",
  mountDev:
    "Show the host's /dev (yes), only the few nodes every program needs (minimal), or the image's own (no).",
  mountDevpts: "Give a minimal /dev a pseudo-terminal file system of its own.",
  mountHome: "Mount the caller's home directory.",
  mountTmp: "Mount the host's /tmp and /var/tmp.",
  mountHostfs: "Mount every file system of the host, as far as the caller may see it.",
  mountSlave: "Let mounts that the host makes later show up in containers.",
  bindPath:
    "Host files and directories for every container: SOURCE or SOURCE:TARGET. With a configuration file, only what it lists.",
  userBindControl: "Whether users may add binds, a home, scratch directories and overlays.",
  enableFusemount: "Whether users may mount FUSE file systems in the container.",
  enableOverlay:
    "Join images with overlay file systems: by the kernel and else by fuse-overlayfs (yes), always by fuse-overlayfs (driver), or never (no).",
  enableUnderlay:
    "Make missing mount points from bind mounts where there is no overlay (yes), even where there is (preferred), or never (no).",
  sessiondirMaxSize:
    "MiB of memory for the writable parts of a container (--writable-tmpfs, scratch, contained home and /tmp).",
  limitContainerOwners:
    "Only images that belong to these users may run. Users who may make user namespaces can pass it by with another program.",
  limitContainerGroups: "The same by group.",
  limitContainerPaths: "The same by directory.",
  allowContainerSif: "Whether SIF images may run.",
  allowContainerEncrypted: "Whether encrypted SIF images may run.",
  allowContainerSquashfs: "Whether bare SquashFS images may run.",
  allowContainerExtfs: "Whether ext3 images may run.",
  allowContainerDir: "Whether directories may run as images.",
  allowSetuidMountEncrypted: "Kept for files shared with other programs.",
  allowSetuidMountSquashfs: "Kept for files shared with other programs.",
  allowSetuidMountExtfs: "Kept for files shared with other programs.",
  allowNetUsers:
    "Users who may join the network namespaces below, where the kernel lets them. CNI networks are root's: there is no setuid part; users connect networks of their own (pasta, slirp4netns).",
  allowNetGroups: "The same by group.",
  allowNetNetworks: "Kept for files shared with other programs.",
  allowNetnsPaths: "Network namespaces these users may join (--netns-path).",
  alwaysUseNv: "Act as if --nv were given.",
  useNvidiaContainerCli:
    "Let nvidia-container-cli set up NVIDIA devices instead of nvliblist.conf.",
  alwaysUseRocm: "Act as if --rocm were given.",
  rootDefaultCapabilities:
    "Capabilities of root's containers: all (full), those in capability.json (file), or none (no).",
  memoryFsType:
    "File system for the writable parts of a container. ramfs has no limit of size and is never swapped.",
  cniConfigurationPath: "Directory of network definitions; empty: that of the installation.",
  cniPluginPath: "Directory of network plug-ins; empty: that of the installation.",
  binaryPath: "Where helper programs are looked for; $PATH stands for the caller's.",
  mksquashfsProcs: "Processors that mksquashfs uses at most; 0: all.",
  mksquashfsMem: "Memory that mksquashfs uses at most, such as 1G; empty: no limit.",
  sharedLoopDevices:
    "Kept for files shared with other programs: each container of root's has a loop device of its own.",
  imageDriver: "Kept for files shared with other programs.",
  downloadConcurrency: "Parts of a file to load at the same time.",
  downloadPartSize: "Bytes of one part.",
  downloadBufferSize:
    "Kept for files shared with other programs: the network decides how much comes at once.",
  sharedImageCache:
    "Directory of a cache of images that is only read, for all users; SKIFF_SHARED_CACHE names another. Empty: none.",
  systemdCgroups:
    "Ask systemd for a control group where limits need one: always for root where systemd runs on version 2, for users where no group is delegated to them.",
  apptheusSocketPath: "Kept for files shared with other programs.",
  allowMonitoring: "Kept for files shared with other programs: nothing is reported to anybody.",
};
