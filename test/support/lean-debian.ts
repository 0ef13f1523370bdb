/** Words of mmdebstrap for a Debian 12 with few packages and without manuals; */
export function leanDebian(packages: readonly string[], target: string): readonly string[] {
  const lean = ["doc", "locale", "man"].map(
    (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
  );
  return [
    "mmdebstrap",
    "--quiet",
    "--variant=apt",
    `--include=${packages.join()}`,
    ...lean,
    "bookworm",
    target,
  ];
}
