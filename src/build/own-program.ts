/** How to start this same program again. */
export interface OwnProgram {
  /** Words in front of the arguments. */
  readonly argv: readonly string[];
  /** The name it was called by, so that it behaves the same. */
  readonly argv0: string;
}

/** This program: the one file it was compiled to, or the interpreter with its script. */
export function ownProgram(name: string): OwnProgram {
  // A compiled program finds its script in a file system of its own.
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return { argv: isCompiled ? [process.execPath] : [process.execPath, Bun.main], argv0: name };
}
