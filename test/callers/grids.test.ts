import { beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { Finished } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = noSmallImage();
const lab = callerLab();
const testGrid = testUnless(reason);

beforeAll(async () => {
  if (reason !== undefined) return;
  await buildSmallImage(lab, "image.sif", "%environment\n    export GREETING=image\n");
  mustSucceed(await lab.run(["apptainer", "build", "--sandbox", "tree", "image.sif"]));
});

/** Runs a line in which `$D` is the lab and `$B` the directory of the links, with nothing else but PATH. */
function line(text: string): Promise<Finished> {
  return lab.sh(`D=${lab.dir} B=${lab.bin}; ${text}`);
}

describe("agents that run jobs of grids", () => {
  testGrid("DIRAC: the home is /tmp, which lies below a work directory; no PATH", async () => {
    for (const dir of ["dirac", "dirac/tmp"]) lab.makeDir(dir);
    lab.makeDir("dirac-install");
    lab.write("dirac-install/rc", "sourced\n");
    lab.write(
      "dirac/tmp/wrapper.sh",
      `#!/bin/bash
cd /tmp; echo $HOME $TMPDIR; cat ${lab.dir}/dirac-install/rc; echo 5 >retcode
`,
      0o755,
    );
    const done = await line(
      `env -i TMPDIR=/tmp X509_USER_PROXY=/tmp/proxy $B/singularity exec --contain --ipc --workdir $D/dirac \\
        --home /tmp --userns --bind $D/dirac-install:$D/dirac-install:ro --bind "" $D/tree /tmp/wrapper.sh`,
    );
    expect(done).toEqual({ code: 0, stdout: "/tmp /tmp\nsourced\n", stderr: "" });
    expect(readFileSync(`${lab.dir}/dirac/tmp/retcode`, "utf8")).toBe("5\n");
  });

  testGrid(
    "HTCondor: tests the image, then starts the job by a launcher, its variables doubled",
    async () => {
      const slot = lab.makeDir("slot/dir_1");
      lab.write(
        "slot/launcher.sh",
        '#!/bin/sh\n:> $_CONDOR_SCRATCH_DIR/.launched\nexec "$@"\n',
        0o755,
      );
      lab.write(
        "slot/dir_1/condor_exec.exe",
        `#!/bin/bash
printf '%s|' "$#" "$2" "$WORDS" "$HOME" "$PWD" "$PS1"; touch /tmp/a here; ls /tmp; exit 3
`,
        0o755,
      );
      const variables = { _CONDOR_SCRATCH_DIR: slot, WORDS: "a b", PATH: "/usr/bin:/bin" };
      for (const [engine, prefix] of [
        ["singularity", "SINGULARITY"],
        ["apptainer", "APPTAINER"],
      ] as const) {
        const own = { ...variables, [`${prefix}_CACHEDIR`]: slot, [`${prefix}_TMPDIR`]: slot };
        const doubled = Object.entries(own).flatMap(([name, value]) => [
          `${name}=${value}`,
          `${prefix}ENV_${name}=${value}`,
        ]);
        const start = (verb: readonly string[], words: readonly string[]): Promise<Finished> =>
          lab.run([
            ...["env", "-i", ...doubled, `${prefix}ENV_PS1=slot$ `],
            ...[`${lab.bin}/${engine}`, "-s", ...verb, "-S", "/tmp", "-S", "/var/tmp"],
            ...["-B", `${lab.dir}/slot/launcher.sh:/launcher.sh`, "-W", slot, "--pwd", slot],
            ...["-B", slot, "--home", slot, "-C", `${lab.dir}/image.sif`, ...words],
          ]);
        expect(await start(["-q", "test"], [])).toEqual({ code: 0, stdout: "", stderr: "" });
        const job = await start(["exec"], ["/launcher.sh", "./condor_exec.exe", "x", "y  z"]);
        expect(job).toEqual({ code: 3, stdout: `2|y  z|a b|${slot}|${slot}||a\n`, stderr: "" });
        mustSucceed(await lab.run(["rm", "slot/dir_1/.launched", "slot/dir_1/here"]));
      }
    },
  );

  testGrid(
    "GlideinWMS: a directory with blanks as the home, and its question for the id map",
    async () => {
      for (const dir of ["glide in", "data"]) lab.makeDir(dir);
      lab.write("glide in/in.txt", "input\n");
      const done = await line(
        `cd "$D/glide in" && $B/apptainer -vvv -d exec --home "$PWD":/srv --pwd /srv --ipc --contain --pid \\
        --bind "$D/data:/data x,/etc/hosts,/etc/localtime" $D/tree sh -c 'cat in.txt; pwd; cat /proc/self/uid_map' 2>/dev/null |
        head -n3 | tr -s '[:blank:]' ','`,
      );
      expect(done.stdout).toMatch(/^input\n\/srv\n,[1-9][0-9]*,[1-9][0-9]*,1\n$/);
    },
  );
});
