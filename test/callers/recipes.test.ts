import { beforeAll, describe, expect } from "bun:test";
import { noSubIds } from "../support/host-lacks.ts";
import type { Finished } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = firstReason(noSmallImage(), noSubIds());
const lab = callerLab();
const testRecipe = testUnless(reason);

beforeAll(async () => {
  if (reason !== undefined) return;
  // As an image from a registry looks: its environment in a file of that name.
  const sections = `    mkdir -p .singularity.d/env
    echo 'export VENDOR="\${VENDOR:-"example"}"' >.singularity.d/env/10-docker2singularity.sh
%environment
    export BASE=yes
`;
  await buildSmallImage(lab, "base.sif", sections);
});

async function build(name: string, text: string): Promise<Finished> {
  lab.write(`${name}.def`, text);
  const built = await lab.run(["singularity", "build", `${name}.sif`, `${name}.def`]);
  mustSucceed(built);
  return built;
}

/** What a script of sh prints in an image. */
async function inside(image: string, script: string, verb = "exec"): Promise<string> {
  const done = await lab.run(["singularity", verb, image, "sh", "-c", script]);
  mustSucceed(done);
  return done.stdout;
}

describe("a recipe as generators write it", () => {
  testRecipe(
    "two stages, here-documents, environment appended in %post, apps (Spack)",
    async () => {
      await build(
        "spack",
        `Bootstrap: localimage
From: base.sif
Stage: build

%post
  # The manifest, then what an installer makes of it
  mkdir -p /opt/spack-environment && cd /opt/spack-environment
  cat << EOF > spack.yaml
spack:
  specs:
  - tool@1.0
  view: /opt/view
EOF
  mkdir -p /opt/software/tool-1.0/bin /opt/._view
  printf '#!/bin/sh\\necho tool "$@"\\n' >/opt/software/tool-1.0/bin/tool
  chmod 755 /opt/software/tool-1.0/bin/tool
  ln -s /opt/software/tool-1.0 /opt/._view/abc
  ln -s ._view/abc /opt/view
  echo 'export PATH=/opt/view/bin:$PATH;' >>/opt/spack-environment/environment_modifications.sh
  echo "export TOOL_ROOT='/opt/view';" >>/opt/spack-environment/environment_modifications.sh
  # Only binaries would be stripped here
  find -L /opt/view/* -type f -exec readlink -f '{}' \\; | \\
    xargs ls | \\
    grep -v '^$' | \\
    sort

Bootstrap: localimage
From: base.sif
Stage: final

%files from build
  /opt/spack-environment
  /opt/software
  /opt/._view
  /opt/view
  /opt/spack-environment/environment_modifications.sh

%post
  cat /opt/spack-environment/environment_modifications.sh >> $SINGULARITY_ENVIRONMENT

%labels
app "tool"
mpi none

%apprun tool
exec /opt/view/bin/tool "from app" "$@"

%apphelp tool
Runs the tool
`,
      );
      expect(await inside("spack.sif", "tool 1; echo $TOOL_ROOT $PATH")).toBe(
        "tool 1\n/opt/view /opt/view/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
      );
      expect(await inside("spack.sif", "cat /opt/spack-environment/spack.yaml")).toBe(
        "spack:\n  specs:\n  - tool@1.0\n  view: /opt/view\n",
      );
      const app = await lab.run(["singularity", "run", "--app", "tool", "spack.sif", "a b"]);
      expect(app).toEqual({ code: 0, stdout: "tool from app a b\n", stderr: "" });
      const help = await lab.run(["singularity", "run-help", "--app", "tool", "spack.sif"]);
      expect(help.stdout.trim()).toBe("Runs the tool");
      const labels = await lab.run(["singularity", "inspect", "-l", "spack.sif"]);
      expect(labels.stdout).toContain('app: "tool"\n');
      expect(labels.stdout).toContain("mpi: none\n");
    },
  );

  testRecipe(
    "repeated %post and %environment, the base's environment sourced, app sections (HPCCM)",
    async () => {
      lab.write("source.txt", "source\n");
      lab.write("app-file.txt", "app file\n");
      await build(
        "hpccm",
        `BootStrap: localimage
From: base.sif
Stage: stage0
%post
    . /.singularity.d/env/10-docker*.sh

# A block with a comment before it
%post
    echo "first $VENDOR" >/order
    cd /
%environment
    export FIRST=1 PATH=/first:$PATH

%files
    source.txt /opt/copied.txt

%post
    cat /opt/copied.txt >>/order
    echo second >>/order
%environment
    export SECOND=$FIRST-2
%labels
    one 1
%labels
    two 2

%appinstall solver
    for program in "solve"; do \\
        echo "echo solved" >bin/$program; chmod +x bin/$program; done

%appfiles solver
    app-file.txt data.txt

%appenv solver
    export SOLVER=on

%applabels solver
    VERSION 3

%apprun solver
    echo "$SOLVER $(solve) $(cat "$SCIF_APPROOT/data.txt")"

%apptest solver
    exit 6
`,
      );
      expect(await inside("hpccm.sif", "cat /order; echo $FIRST $SECOND $VENDOR")).toBe(
        "first example\nsource\nsecond\n1 1-2 example\n",
      );
      const labels = await lab.run(["singularity", "inspect", "-l", "hpccm.sif"]);
      expect(labels.stdout).toContain("one: 1\n");
      expect(labels.stdout).toContain("two: 2\n");
      const app = await lab.run(["singularity", "run", "--app", "solver", "hpccm.sif"]);
      expect(app).toEqual({ code: 0, stdout: "on solved app file\n", stderr: "" });
      const tested = await lab.run(["singularity", "test", "--app", "solver", "hpccm.sif"]);
      expect(tested.code).toBe(6);
    },
  );

  testRecipe(
    "a profile sourced in %environment, and a run script that evaluates (EasyBuild)",
    async () => {
      await build(
        "easybuild",
        `Bootstrap: localimage
From: base.sif

%post
adduser() { :; }
mkdir -p /etc/profile.d /app/modules
cat > /etc/profile.d/modules.sh << 'EOF'
module() {
  case $1 in
    use) export MODULEPATH=$2\${MODULEPATH:+:$MODULEPATH} ;;
    load) shift; for name in "$@"; do export LOADEDMODULES=\${LOADEDMODULES:+$LOADEDMODULES:}$name; done ;;
  esac
}
EOF
echo 'for file in /etc/profile.d/*.sh; do . "$file"; done' >/etc/profile
bash -s << EOF
set -e
umask 022
echo "\\$0 made it" >/app/made
EOF

%runscript
eval "$@"

%environment
source /etc/profile
module use /app/modules
module load gzip/1.10 GCC/13.2.0

%labels
`,
      );
      const words = ['echo "$LOADEDMODULES"', ";", "cat /app/made", "&&", "exit 7"];
      const done = await lab.run(["singularity", "run", "easybuild.sif", ...words]);
      expect(done).toEqual({
        code: 7,
        stdout: "gzip/1.10:GCC/13.2.0\nbash made it\n",
        stderr: "",
      });
      expect(await inside("easybuild.sif", "echo $MODULEPATH $BASE")).toBe("/app/modules yes\n");
    },
  );

  testRecipe("carriage returns, letters beyond ASCII, arguments, no final newline", async () => {
    const text = [
      "# Ein Kommentar: größer",
      "Bootstrap: localimage",
      "From: {{ base }}",
      "%arguments",
      "  base=base.sif",
      "  word=grün",
      "%post -c /bin/bash",
      '  [[ -n "$BASH_VERSION" ]] && echo "{{ word }} 100%" >/word',
      "%runscript",
      "  cat /word; echo «$#»",
    ].join("\r\n");
    await build("odd", text);
    const done = await lab.run(["singularity", "run", "odd.sif", "a", "b"]);
    expect(done).toEqual({ code: 0, stdout: "grün 100%\n«2»\n", stderr: "" });
  });

  testRecipe("comes by a pipe: /dev/stdin, a here-document, what a shell substitutes", async () => {
    lab.write("piped.def", "Bootstrap: localimage\nFrom: base.sif\n%post\n    echo grün >/word\n");
    const build = "singularity build --force piped.sif";
    for (const line of [
      `cat piped.def | ${build} /dev/stdin`,
      `${build} /dev/stdin <<<"$(cat piped.def)"`,
      `${build} <(cat piped.def)`,
      `mkfifo pipe; cat piped.def >pipe & ${build} pipe; wait; rm pipe`,
    ]) {
      mustSucceed(await lab.sh(`rm -f piped.sif; ${line}`));
      expect(await inside("piped.sif", "cat /word; env | grep -c PIPED || true")).toBe("grün\n0\n");
    }
    const long = await lab.sh(`head -c 300000 /dev/zero | ${build} /dev/stdin`);
    expect(long.code).toBe(255);
    expect(long.stderr).toContain("Unable to build from /dev/stdin: it is no text");
  });
});
