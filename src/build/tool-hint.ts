/** Causes that tools name in their own way, and what mends them. */
const CAUSES: readonly (readonly [words: RegExp, hint: string])[] = [
  [
    /No space left|Disk quota exceeded|write failed.*(?:28|122)/i,
    "no space is left: free some (`skiff cache clean`), or name other directories with --tmpdir and SKIFF_CACHEDIR",
  ],
  [
    /Resource temporarily unavailable|Failed to create (?:a )?thread|pthread_create|Cannot fork/i,
    "the limit of threads or processes is reached (ulimit -u, pids.max): set fewer with `mksquashfs procs` in the configuration or --mksquashfs-args '-processors 1'",
  ],
  [
    /Cannot allocate memory|out of memory|std::bad_alloc/i,
    "memory is short: set less with `mksquashfs mem` in the configuration or --mksquashfs-args '-mem 256M'",
  ],
  [
    /zstd.*(?:not (?:supported|available)|unknown)|Compressor "?zstd"? is not supported/i,
    "this mksquashfs was built without zstd: install a newer squashfs-tools, or give --mksquashfs-args '-comp gzip'",
  ],
  [/Read-only file system/i, "name a directory that can be written with --tmpdir"],
];

/**
 * What to do about a failed tool, when its own words or its end tell.
 *
 * @param end `exit status 1`, `signal: killed`.
 */
export function toolHint(words: string, end: string, tool: string): string | undefined {
  const known = CAUSES.find(([pattern]) => pattern.test(words))?.[1];
  if (known !== undefined) return known;
  if (!/killed|exit status 137/.test(end)) return undefined;
  return `${tool} was killed, by someone or because the memory limit of the job or cgroup is reached: ask for more memory`;
}
