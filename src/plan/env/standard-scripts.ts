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
export const ENVIRONMENT_HEADER: string =
  "#!/bin/sh\n# What the definition file says in %environment follows.\n";

const SOURCE_ENVIRONMENT = `for file in /.singularity.d/env/*.sh; do
    [ ! -f "$file" ] || . "$file"
done
`;

/** An action that prefers the script of the chosen app, then the image's own, then `fallback`. */
function actionScript(script: string, fallback: string): string {
  return `#!/bin/sh
# Stands in for the runtime when this image is started by hand in a chroot.
${SOURCE_ENVIRONMENT}
if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    if [ -x "/scif/apps/$SINGULARITY_APPNAME/scif/${script}" ]; then
        exec "/scif/apps/$SINGULARITY_APPNAME/scif/${script}" "$@"
    fi
    echo "The app $SINGULARITY_APPNAME has no ${script}" >&2
    exit 1
fi
if [ -x /.singularity.d/${script} ]; then
    exec /.singularity.d/${script} "$@"
fi
${fallback}
`;
}

const APPS = `#!/bin/sh
# Puts the chosen app in the environment.
if [ -n "\${SINGULARITY_APPNAME:-}" ]; then
    export SINGULARITY_APPNAME
    if [ ! -d "/scif/apps/$SINGULARITY_APPNAME/" ]; then
        echo "Could not locate the container application: $SINGULARITY_APPNAME"
        exit 1
    fi
    SCIF_APPS=/scif/apps
    SCIF_APPROOT="/scif/apps/$SINGULARITY_APPNAME"
    export SCIF_APPS SCIF_APPROOT
    PATH="$SCIF_APPROOT:/scif/apps/singularity:$PATH"
    if [ -d "$SCIF_APPROOT/bin" ]; then
        PATH="$SCIF_APPROOT/bin:$PATH"
    elif [ -d /scif/apps/singularity/bin ]; then
        PATH="/scif/apps/singularity/bin:$PATH"
    fi
    if [ -d "$SCIF_APPROOT/lib" ]; then
        LD_LIBRARY_PATH="$SCIF_APPROOT/lib:$LD_LIBRARY_PATH"
        export LD_LIBRARY_PATH
    elif [ -d /scif/apps/singularity/lib ]; then
        LD_LIBRARY_PATH="/scif/apps/singularity/lib:$LD_LIBRARY_PATH"
        export LD_LIBRARY_PATH
    fi
    for scif_file in 01-base.sh 90-environment.sh; do
        if [ -f "$SCIF_APPROOT/scif/env/$scif_file" ]; then
            . "$SCIF_APPROOT/scif/env/$scif_file"
        elif [ -f "/scif/apps/singularity/scif/env/$scif_file" ]; then
            . "/scif/apps/singularity/scif/env/$scif_file"
        fi
    done
    unset scif_file
    export PATH
fi
`;

const BASE = `#!/bin/sh
# Comes after all other scripts: libraries that the host brings, and the prompt.
if [ -z "\${LD_LIBRARY_PATH:-}" ]; then
    LD_LIBRARY_PATH="/.singularity.d/libs"
else
    LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/.singularity.d/libs"
fi
if [ -z "\${PS1:-}" ]; then
    PS1="Apptainer> "
fi
export LD_LIBRARY_PATH PS1
`;

const RUNTIME_VARIABLES = `#!/bin/sh
# What the caller asked for PATH, carried in three variables.
if [ -n "\${SING_USER_DEFINED_PREPEND_PATH:-}" ]; then
    PATH="$SING_USER_DEFINED_PREPEND_PATH:$PATH"
fi
if [ -n "\${SING_USER_DEFINED_APPEND_PATH:-}" ]; then
    PATH="$PATH:$SING_USER_DEFINED_APPEND_PATH"
fi
if [ -n "\${SING_USER_DEFINED_PATH:-}" ]; then
    PATH="$SING_USER_DEFINED_PATH"
fi
unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH
export PATH
`;

const SHELL_ACTION = `#!/bin/sh
# Stands in for the runtime when this image is started by hand in a chroot.
${SOURCE_ENVIRONMENT}
if [ -n "\${SINGULARITY_SHELL:-}" ] && [ -x "$SINGULARITY_SHELL" ]; then
    exec "$SINGULARITY_SHELL" "$@"
elif [ -x /bin/bash ]; then
    SHELL=/bin/bash
    export SHELL
    exec /bin/bash --norc "$@"
fi
SHELL=/bin/sh
export SHELL
exec /bin/sh "$@"
`;

const START_ACTION = `#!/bin/sh
# Process 1 waits for this signal before it goes on.
kill -CONT 1
${SOURCE_ENVIRONMENT}
if [ -x /.singularity.d/startscript ]; then
    exec /.singularity.d/startscript
fi
`;

/** The scripts that are the same in every image. 90-environment.sh and 94-appsbase.sh are made for each. */
export const STANDARD_SCRIPTS: readonly StandardScript[] = [
  { path: `${ACTIONS}/exec`, text: `#!/bin/sh\n${SOURCE_ENVIRONMENT}\nexec "$@"\n` },
  { path: `${ACTIONS}/run`, text: actionScript("runscript", 'exec /bin/sh "$@"') },
  { path: `${ACTIONS}/shell`, text: SHELL_ACTION },
  { path: `${ACTIONS}/start`, text: START_ACTION },
  { path: `${ACTIONS}/test`, text: actionScript("test", "exit 0") },
  { path: `${ENV}/01-base.sh`, text: "#!/bin/sh\n# Comes before all other scripts.\n" },
  { path: `${ENV}/95-apps.sh`, text: APPS },
  { path: `${ENV}/99-base.sh`, text: BASE },
  { path: `${ENV}/99-runtimevars.sh`, text: RUNTIME_VARIABLES },
];
