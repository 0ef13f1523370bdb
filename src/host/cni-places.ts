/** Directories where distributions and other programs put CNI plugins, in the order in which they are looked through. */
export const CNI_PLUGIN_PLACES: readonly string[] = [
  "/usr/libexec/skiff/cni",
  "/usr/lib/cni",
  "/opt/cni/bin",
  "/usr/libexec/cni",
  "/usr/libexec/apptainer/cni",
  "/usr/lib/apptainer/cni",
  "/usr/libexec/singularity/cni",
];
