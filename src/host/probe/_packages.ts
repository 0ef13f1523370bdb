import { readHostText } from "../read-text.ts";

type Family = "debian" | "fedora" | "suse" | "arch" | "alpine";

const INSTALLERS: Readonly<Record<Family, string>> = {
  debian: "apt install",
  fedora: "dnf install",
  suse: "zypper install",
  arch: "pacman -S",
  alpine: "apk add",
};

/** Package of each tool, where it is not named like the tool. */
const PACKAGES: Readonly<Record<string, Partial<Readonly<Record<Family, string>>>>> = {
  squashfuse_ll: {
    debian: "squashfuse",
    fedora: "squashfuse",
    suse: "squashfuse",
    arch: "squashfuse",
    alpine: "squashfuse",
  },
  unsquashfs: {
    debian: "squashfs-tools",
    fedora: "squashfs-tools",
    suse: "squashfs",
    arch: "squashfs-tools",
    alpine: "squashfs-tools",
  },
  mksquashfs: {
    debian: "squashfs-tools",
    fedora: "squashfs-tools",
    suse: "squashfs",
    arch: "squashfs-tools",
    alpine: "squashfs-tools",
  },
  pasta: { debian: "passt", fedora: "passt", suse: "passt", arch: "passt", alpine: "passt" },
  newuidmap: {
    debian: "uidmap",
    fedora: "shadow-utils",
    suse: "shadow",
    arch: "shadow",
    alpine: "shadow-uidmap",
  },
  fusermount3: { debian: "fuse3", fedora: "fuse3", suse: "fuse3", arch: "fuse3", alpine: "fuse3" },
  fuse2fs: {
    debian: "fuse2fs",
    fedora: "e2fsprogs",
    suse: "fuse2fs",
    arch: "e2fsprogs",
    alpine: "e2fsprogs-extra",
  },
  "nvidia-container-cli": {
    debian: "libnvidia-container-tools",
    fedora: "libnvidia-container-tools",
    suse: "libnvidia-container-tools",
  },
  "qemu-user": {
    debian: "qemu-user-static",
    fedora: "qemu-user-static",
    suse: "qemu-linux-user",
    arch: "qemu-user-static",
    alpine: "qemu-aarch64",
  },
  unshare: {
    debian: "util-linux",
    fedora: "util-linux",
    suse: "util-linux",
    arch: "util-linux",
    alpine: "util-linux",
  },
};

/** The line that installs a tool on this distribution; on an unknown one, what to look for. */
export function installLine(tool: string): string {
  const family = familyOf(readHostText("/etc/os-release"));
  if (family === undefined) return `install ${PACKAGES[tool]?.debian ?? tool}`;
  return `${INSTALLERS[family]} ${PACKAGES[tool]?.[family] ?? tool}`;
}

/** Family of distributions by the ID and ID_LIKE lines of os-release(5). */
export function familyOf(osRelease: string): Family | undefined {
  const line = (name: string) =>
    osRelease.match(new RegExp(`^${name}=["']?([^"'\\n]*)`, "m"))?.[1]?.toLowerCase() ?? "";
  const words = `${line("ID")} ${line("ID_LIKE")}`.split(/\s+/);
  if (words.some((word) => ["debian", "ubuntu"].includes(word))) return "debian";
  if (words.some((word) => ["fedora", "rhel", "centos"].includes(word))) return "fedora";
  if (words.some((word) => word.includes("suse"))) return "suse";
  if (words.includes("arch")) return "arch";
  return words.includes("alpine") ? "alpine" : undefined;
}
