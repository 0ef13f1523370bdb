/** Inside double quotes: the characters that keep a meaning there lose it. */
function escapeDouble(text: string): string {
  return text.replace(/[\\"`$]/g, "\\$&");
}

/**
 * Text of /.singularity.d/env/10-docker2singularity.sh from the `Env` of an OCI image (reference:
 * runtime.md 3.1, oci.md section 7). PATH is assigned; other variables give way to non-empty ones.
 * Entries whose name is none for a shell are left out.
 */
export function writeOciEnvironment(env: readonly string[]): string {
  let out = "#!/bin/sh\n";
  for (const entry of env) {
    const equals = entry.indexOf("=");
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    const value = escapeDouble(equals < 0 ? "" : entry.slice(equals + 1));
    if (name === "PATH") out += `export PATH="${value}"\n`;
    else if (equals < 0) out += `export ${name}="\${${name}:-}"\n`;
    else out += `export ${name}="\${${name}:-"${value}"}"\n`;
  }
  return out;
}

/** The line by which runtimes know a runscript made from an OCI image. */
export const OCI_RUN_LINE = 'eval "set ${SINGULARITY_OCI_RUN}"';

/**
 * Text of /.singularity.d/runscript for an OCI image (reference: runtime.md 3.1): entrypoint, then
 * the arguments or the default command; evaluated once more by the shell unless that is turned off.
 */
export function writeOciRunscript(entrypoint: readonly string[], cmd: readonly string[]): string {
  return `#!/bin/sh
OCI_ENTRYPOINT='${quoteList(entrypoint)}'
OCI_CMD='${quoteList(cmd)}'

if [ -n "\${SINGULARITY_NO_EVAL:-}" ]; then
    if [ $# -eq 0 ]; then
        eval "set -- $OCI_ENTRYPOINT $OCI_CMD"
    elif [ -n "$OCI_ENTRYPOINT" ]; then
        eval "set -- $OCI_ENTRYPOINT \\"\\$@\\""
    fi
    exec "$@"
fi

SINGULARITY_OCI_RUN="$OCI_CMD"
if [ $# -gt 0 ]; then
    SINGULARITY_OCI_RUN=""
    for word in "$@"; do
        SINGULARITY_OCI_RUN="$SINGULARITY_OCI_RUN \\"$word\\""
    done
fi
SINGULARITY_OCI_RUN="-- $OCI_ENTRYPOINT $SINGULARITY_OCI_RUN"

# The words are read by the shell once more: variables in them take effect.
${OCI_RUN_LINE}
exec "$@"
`;
}

/** Words in double quotes, as text between single quotes. */
function quoteList(words: readonly string[]): string {
  const out: string[] = [];
  for (const word of words) out.push(`"${escapeDouble(word)}"`);
  return out.join(" ").replaceAll("'", `'"'"'`);
}
