import { Fault } from "../../base/fault.ts";
import { putPiece } from "./_put-piece.ts";

/** Packages (Debian) of the programs that unpack what this run-time itself cannot. */
const PACKAGES = { xz: "xz-utils", bzip2: "bzip2" } as const;

export type DecompressTool = keyof typeof PACKAGES;

/**
 * Unpacks with a program of this machine. Throws a Fault when it is not installed, and for bytes that
 * are cut off or damaged; `where` names them.
 */
export async function* throughTool(
  name: DecompressTool,
  input: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<Uint8Array> {
  const path = Bun.which(name, { PATH: `${process.env["PATH"] ?? ""}:/usr/bin:/bin` });
  if (path === null) {
    throw new Fault("missing-tool", `Cannot unpack the ${where}: it is packed by ${name}`, {
      hint: `install the package ${PACKAGES[name]}`,
    });
  }
  const child = Bun.spawn([path, "-dc"], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  let inputError: unknown;
  const feed = async (): Promise<void> => {
    try {
      for await (const piece of input) {
        putPiece(child.stdin, piece);
        await child.stdin.flush();
      }
      await child.stdin.end();
    } catch (error) {
      // A program that has ended early says itself why.
      if ((error as { code?: unknown }).code !== "EPIPE") inputError = error;
      child.kill("SIGKILL");
    }
  };
  const feeding = feed();
  const said = new Response(child.stderr).text();
  let isRead = false;
  try {
    for await (const piece of child.stdout) yield piece;
    isRead = true;
  } finally {
    if (!isRead) child.kill("SIGKILL");
    await child.exited;
    await feeding;
  }
  if (inputError !== undefined) throw inputError;
  if (child.exitCode === 0) return;
  const why = (await said).trim().split("\n").at(-1) ?? "";
  throw new Fault("invalid", `Cannot unpack the ${where}: ${why.replace(/^.*?: /, "")}`, {
    hint: "it is cut off or damaged; fetch or make it again",
  });
}
