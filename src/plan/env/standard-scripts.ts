/**
 * The scripts that every built image carries below /.singularity.d (reference: runtime.md section 3),
 * for runtimes that source them with a real shell as well as for those that evaluate them. They are
 * plain POSIX shell and use the older names, which both families of runtimes set.
 */

/** A file of an image: mode 0755. */
export interface StandardScript {
  /** Absolute path in the image. */
  readonly path: string;
  readonly text: string;
}

const ENV = "/.singularity.d/env";
const ACTIONS = "/.singularity.d/actions";

/** First lines of 90-environment.sh; the text of %environment follows. */
export const ENVIRONMENT_HEADER = `#!/bin/sh
# The %environment sections of the definition file.

`;

const BASE = `#!/bin/sh
# The files of this directory make the environment, in the order of their names.
`;

const APPS = `#!/bin/sh
# Enters the application that was asked for.
if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    SCIF_APPS="/scif/apps"
    SCIF_APPROOT="$SCIF_APPS/$SINGULARITY_APPNAME"
    if [ ! -d "$SCIF_APPROOT/" ]; then
        echo "Could not locate the container application: $SINGULARITY_APPNAME"
        exit 1
    fi
    export SINGULARITY_APPNAME SCIF_APPS SCIF_APPROOT
    PATH="$SCIF_APPROOT:$PATH"
    if [ -d "$SCIF_APPROOT/bin" ]; then
        PATH="$SCIF_APPROOT/bin:$PATH"
    fi
    export PATH
    if [ -d "$SCIF_APPROOT/lib" ]; then
        export LD_LIBRARY_PATH="$SCIF_APPROOT/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    fi
    if [ -f "$SCIF_APPROOT/scif/env/01-base.sh" ]; then
        . "$SCIF_APPROOT/scif/env/01-base.sh"
    fi
    if [ -f "$SCIF_APPROOT/scif/env/90-environment.sh" ]; then
        . "$SCIF_APPROOT/scif/env/90-environment.sh"
    fi
fi
`;

const LAST = `#!/bin/sh
# Libraries of the host come last; the prompt is kept when there is one.
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs"
export PS1="\${PS1:-"Apptainer> "}"
`;

const RUNTIME = `#!/bin/sh
# What the caller adds to PATH, or puts in its place.
PATH="\${SING_USER_DEFINED_PREPEND_PATH:+$SING_USER_DEFINED_PREPEND_PATH:}$PATH"
PATH="$PATH\${SING_USER_DEFINED_APPEND_PATH:+:$SING_USER_DEFINED_APPEND_PATH}"
export PATH="\${SING_USER_DEFINED_PATH:-$PATH}"
unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH
`;

const SOURCE_ALL = `for file in /.singularity.d/env/*.sh; do
    if [ -f "$file" ]; then
        . "$file"
    fi
done
`;

/** Runs an application's script of the given name when an application is asked for. */
function runApp(name: string, what: string): string {
  return `if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    script="/scif/apps/$SINGULARITY_APPNAME/scif/${name}"
    if [ -x "$script" ]; then
        exec "$script" "$@"
    fi
    echo "No ${what} for the application: $SINGULARITY_APPNAME" >&2
    exit 1
fi
if [ -x /.singularity.d/${name} ]; then
    exec /.singularity.d/${name} "$@"
fi
`;
}

const EXEC_ACTION = `#!/bin/sh
${SOURCE_ALL}exec "$@"
`;

const RUN_ACTION = `#!/bin/sh
${SOURCE_ALL}${runApp("runscript", "runscript")}echo "No runscript found in container, executing /bin/sh" >&2
exec /bin/sh "$@"
`;

const SHELL_ACTION = `#!/bin/sh
${SOURCE_ALL}if [ -x "\${SINGULARITY_SHELL:-}" ]; then
    exec "$SINGULARITY_SHELL" "$@"
fi
if [ -x /bin/bash ]; then
    export SHELL=/bin/bash
    exec /bin/bash --norc "$@"
fi
export SHELL=/bin/sh
exec /bin/sh "$@"
`;

const START_ACTION = `#!/bin/sh
# Process 1 waits for this signal before it reports that the instance is up.
kill -CONT 1
${SOURCE_ALL}${runApp("startscript", "startscript")}`;

const TEST_ACTION = `#!/bin/sh
${SOURCE_ALL}${runApp("test", "test")}echo "No test script found in container" >&2
exit 0
`;

/** The scripts that are the same in every image. 90-environment.sh and 94-appsbase.sh are made for each. */
export const STANDARD_SCRIPTS: readonly StandardScript[] = [
  { path: `${ENV}/01-base.sh`, text: BASE },
  { path: `${ENV}/95-apps.sh`, text: APPS },
  { path: `${ENV}/99-base.sh`, text: LAST },
  { path: `${ENV}/99-runtimevars.sh`, text: RUNTIME },
  { path: `${ACTIONS}/exec`, text: EXEC_ACTION },
  { path: `${ACTIONS}/run`, text: RUN_ACTION },
  { path: `${ACTIONS}/shell`, text: SHELL_ACTION },
  { path: `${ACTIONS}/start`, text: START_ACTION },
  { path: `${ACTIONS}/test`, text: TEST_ACTION },
];
