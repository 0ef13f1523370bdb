/** How a program that was tried out ended. */
export interface Attempt {
  readonly ok: boolean;
  /** Standard output and error together, at most the first 64 KiB. */
  readonly text: string;
}

/** Runs a program with nothing to read and a time limit, and gives what it said. Never throws. */
export async function attempt(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  timeoutMs: number = 5000,
): Promise<Attempt> {
  try {
    const child = Bun.spawn([...argv], {
      // Messages are searched for words, so they must not be translated.
      env: { ...env, LC_ALL: "C" },
      cwd: "/",
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: timeoutMs,
    });
    const texts = await Promise.all([child.stdout.text(), child.stderr.text()]);
    const status = await child.exited;
    return { ok: status === 0, text: texts.join("").slice(0, 65536) };
  } catch (error) {
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}
