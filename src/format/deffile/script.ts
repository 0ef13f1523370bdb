import { Fault } from "../../base/fault.ts";

/** Body and heading arguments of a section, repeated sections joined. */
export interface Script {
  /** Cut at `#`, trimmed. */
  readonly arguments: string;
  /** Every line ends with a newline. Never empty: an empty body counts as no section. */
  readonly text: string;
  /** Line of the first heading. */
  readonly line: number;
}

/**
 * The argv that runs a script section: `/bin/sh -ex`, the section's words, the script. `-c` is
 * special: all words behind it are one command with the script's path appended.
 *
 * @example `%post -c /bin/bash` gives `["/bin/sh", "-ex", "-c", "/bin/bash /.post.script"]`
 */
export function scriptArgv(section: string, script: Script, path: string): readonly string[] {
  const words = script.arguments.split(/\s+/).filter((word) => word !== "");
  const at = words.indexOf("-c");
  if (at < 0) return ["/bin/sh", "-ex", ...words, path];
  if (at === words.length - 1) {
    throw new Fault(
      "invalid",
      `while processing section %${section} arguments: bad ${section} section '-c' parameter: missing arguments`,
      { hint: `name the shell, as in \`%${section} -c /bin/bash\`` },
    );
  }
  const command = [...words.slice(at + 1), path].join(" ");
  return ["/bin/sh", "-ex", ...words.slice(0, at + 1), command];
}

/**
 * Text of a stored script (runscript, startscript, test): a `#!` first line of the body is kept,
 * else it is `#!/bin/sh`; section arguments are appended to that line.
 */
export function storedScript(script: Script): string {
  let interpreter = "#!/bin/sh";
  let body = script.text;
  if (body.trimStart().startsWith("#!")) {
    const cut = body.indexOf("\n");
    // Blank lines before the `#!`: the peer takes the first line, an empty one; the meant one is kept here.
    if (body.slice(0, cut).trim() === "") body = body.trimStart();
    const end = body.indexOf("\n");
    interpreter = body.slice(0, end).trim();
    body = body.slice(end + 1);
  }
  if (script.arguments !== "") interpreter += ` ${script.arguments}`;
  return `${interpreter}\n\n${body}\n`;
}
