/** What a bootstrap agent reads from the header (reference: deffile.md section 2). */
export interface AgentKeys {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const COMMON = ["bootstrap", "stage"];
const FROM: AgentKeys = { required: ["from"], optional: [...COMMON] };
const SIGNED: AgentKeys = { required: ["from"], optional: [...COMMON, "fingerprints"] };
const RPM: AgentKeys = {
  required: ["mirrorurl"],
  optional: [...COMMON, "osversion", "updateurl", "include", "includecmd", "setopt"],
};
const DEBIAN: AgentKeys = {
  // Without MirrorURL the host's own apt sources decide.
  required: ["osversion"],
  optional: [...COMMON, "mirrorurl", "include", "includecmd"],
};

/** Every agent by its name; names are case-sensitive. */
export const AGENTS: Readonly<Record<string, AgentKeys>> = {
  library: { required: ["from"], optional: [...COMMON, "library", "fingerprints"] },
  docker: { required: ["from"], optional: [...COMMON, "registry", "namespace", "includecmd"] },
  "docker-daemon": FROM,
  "docker-archive": FROM,
  oci: FROM,
  "oci-archive": FROM,
  oras: SIGNED,
  shub: SIGNED,
  localimage: SIGNED,
  yum: RPM,
  dnf: RPM,
  debootstrap: DEBIAN,
  mmdebstrap: DEBIAN,
  arch: { required: [], optional: [...COMMON, "confurl", "include"] },
  busybox: { required: ["mirrorurl"], optional: [...COMMON] },
  zypper: {
    required: [],
    optional: [
      ...COMMON,
      "mirrorurl",
      "osversion",
      "updateurl",
      "include",
      "product",
      "user",
      "regcode",
      "productpgp",
      "registerurl",
      "modules",
    ],
  },
  buildkit: {
    required: ["from"],
    optional: [...COMMON, "filename", "target", "frontend", "buildargs"],
  },
  scratch: { required: [], optional: [...COMMON] },
};
