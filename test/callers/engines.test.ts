import { beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { noSubIds } from "../support/host-lacks.ts";
import type { Finished } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = noSmallImage();
const lab = callerLab();
const testEngine = testUnless(reason);
const testFakeroot = testUnless(firstReason(reason, noSubIds()));
let home = "";

beforeAll(async () => {
  if (reason !== undefined) return;
  const sections = `%environment
    export GREETING=image
%runscript
    exec /bin/bash "$@"
`;
  await buildSmallImage(lab, "image.sif", sections);
  mustSucceed(await lab.run(["apptainer", "build", "--sandbox", "tree", "image.sif"]));
  for (const dir of ["job", "inputs", "tmp"]) lab.makeDir(dir);
  lab.write("inputs/in.txt", "input\n");
  home = (await lab.sh('printf %s "$(getent passwd $(id -u) | cut -d: -f6)"')).stdout;
});

/** Runs a line in which `$D` is the lab. */
function line(text: string, options: { readonly stdin?: string } = {}): Promise<Finished> {
  return lab.sh(text, { ...options, extraEnv: { PATH: lab.path, D: lab.dir } });
}

const script = (name: string, text: string): string => lab.write(`job/${name}`, text, 0o755);

describe("the lines of other callers", () => {
  testEngine("Cromwell: everything contained, the work directory bound", async () => {
    script("script", "#!/bin/bash\necho out >result; echo $GREETING; pwd; exit 5\n");
    const done = await line(
      "singularity exec --containall --bind $D/job:/cromwell-executions $D/image.sif /bin/bash /cromwell-executions/script",
    );
    // The work directory of a contained program is its empty home.
    expect(done).toEqual({ code: 5, stdout: `image\n${home}\n`, stderr: "" });
  });

  testFakeroot("MiniWDL: fake root, contained, inputs bound one by one", async () => {
    script("command", "id -u; cat in.txt; echo made >out.txt; pwd; ls /\n");
    const done = await line(
      `singularity --verbose exec --pwd /mnt/task/job --containall --no-mount hostfs --fakeroot \
        --bind $D/job:/mnt/task/job --bind $D/inputs/in.txt:/mnt/task/job/in.txt:ro --bind $D/tmp:/tmp \
        $D/image.sif /bin/sh -c '/bin/sh ./command 2>&1 >stdout; echo $?' 2>/dev/null`,
    );
    expect(done).toEqual({ code: 0, stdout: "0\n", stderr: "" });
    expect(readFileSync(`${lab.dir}/job/stdout`, "utf8")).toStartWith("0\ninput\n/mnt/task/job\n");
    const owned = await lab.run(["stat", "-c", "%U", "job/out.txt"]);
    expect(owned.stdout).toBe((await lab.run(["id", "-un"])).stdout);
  });

  testEngine("Galaxy: volumes with modes, a home, variables that may not be set", async () => {
    const done = await line(
      `SINGULARITYENV_GALAXY_SLOTS="4" SINGULARITYENV_HOME="$D/job" singularity -s exec --contain --pwd $D/job \
        --cleanenv --ipc --pid --no-mount tmp -B $D/inputs:$D/inputs:ro -B $D/job:$D/job:rw -B $D/tmp:/tmp:rw \
        --home $D/job:$D/job $D/image.sif \
        /bin/sh -c 'echo $GALAXY_SLOTS $HOME; touch $HOME/ok /tmp/ok; touch '$D'/inputs/no 2>/dev/null || echo read-only'
        ls tmp/ok`,
    );
    expect(done).toEqual({ code: 0, stdout: `4 ${lab.dir}/job\nread-only\ntmp/ok\n`, stderr: "" });
  });

  testEngine("HTCondor: a static program alone in a directory tells that it works", async () => {
    lab.makeDir("probe");
    await line('cp "$(command -v busybox)" probe/sh');
    const done = await line("singularity -s exec -C $D/probe /sh -c 'exit 37'");
    expect(done).toEqual({ code: 37, stdout: "", stderr: "" });
  });

  testEngine(
    "HTCondor: scratch directories, no home, the job as a file of its directory",
    async () => {
      script("condor_exec.exe", "#!/bin/sh\npwd; touch /tmp/a /var/tmp/b here; ls /tmp /var/tmp\n");
      const done = await line(
        `cd $D/job && singularity -s exec -S /tmp -S /var/tmp --pwd /srv -B $D/job:/srv --no-home -C $D/tree ./condor_exec.exe`,
      );
      expect(done).toEqual({ code: 0, stdout: "/srv\n/tmp:\na\n\n/var/tmp:\nb\n", stderr: "" });
      expect((await line("ls job/here; ls tree/tmp")).stdout).toBe("job/here\n");
    },
  );

  testEngine("pilots of grids: a directory image and mount points that it lacks", async () => {
    const done = await line(
      `apptainer exec --home $D/job:/srv --pwd /srv --bind $D/inputs:/data/new/place --ipc --pid --contain \
        --no-mount bind-paths $D/tree sh -c 'pwd; cat /data/new/place/in.txt; echo $HOME'`,
    );
    expect(done).toEqual({ code: 0, stdout: "/srv\ninput\n/srv\n", stderr: "" });
  });

  testEngine("DataLad, Nipype and the like: a relative image and relative paths", async () => {
    const done = await line("singularity exec -B $PWD --pwd $PWD image.sif cat inputs/in.txt");
    expect(done).toEqual({ code: 0, stdout: "input\n", stderr: "" });
    const read = await line("singularity exec image.sif sh <<<'cat inputs/in.txt; exit 2'");
    expect(read).toEqual({ code: 2, stdout: "input\n", stderr: "" });
  });

  testEngine(
    "BIDS apps: a clean environment, data read-only, words for the run script",
    async () => {
      const done = await line(
        `singularity run --cleanenv --env MODE=x,y -B $D/inputs:/data:ro -B $D/job:/out image.sif \
        -c 'echo "$MODE $1 $2"; cat /data/in.txt >/out/copied' sh "par ticipant" --flag`,
      );
      expect(done).toEqual({ code: 0, stdout: "x,y par ticipant --flag\n", stderr: "" });
      expect(readFileSync(`${lab.dir}/job/copied`, "utf8")).toBe("input\n");
    },
  );

  testEngine("runners of CI: a login shell that reads its commands", async () => {
    const done = await line("apptainer exec --writable-tmpfs image.sif bash -l", {
      stdin: "set -eo pipefail\ntouch /new; ls /new\nfalse\necho never\n",
    });
    expect(done).toEqual({ code: 1, stdout: "/new\n", stderr: "" });
  });

  testEngine("launchers of MPI: many at once, each with a descriptor and a rank", async () => {
    const done = await line(
      `for rank in 0 1 2 3 4 5 6 7; do
         PMI_RANK=$rank PMI_FD=7 singularity exec image.sif sh -c 'echo $PMI_RANK >&'7 7>>ranks & done; wait; sort ranks`,
    );
    expect(done).toEqual({ code: 0, stdout: "0\n1\n2\n3\n4\n5\n6\n7\n", stderr: "" });
  });

  testEngine("xargs and parallel: standard input stays the caller's", async () => {
    const done = await line(
      "printf 'a\\nb\\n' | while read word; do singularity exec image.sif echo got $word </dev/null; done",
    );
    expect(done.stdout).toBe("got a\ngot b\n");
    const piped = await line(
      "seq 100000 | singularity exec image.sif cat | singularity exec image.sif wc -l",
    );
    expect(piped).toEqual({ code: 0, stdout: "100000\n", stderr: "" });
    const early = await line(
      "singularity exec image.sif seq 1000000 | head -n 1; echo ${PIPESTATUS[0]}",
    );
    expect(early.stdout).toBe("1\n141\n");
  });

  testEngine("a destination that cannot be made is said to be the reason", async () => {
    const below = await line("singularity exec -B /mnt -B $D/inputs:/mnt/none image.sif true");
    expect({ code: below.code, stdout: below.stdout }).toEqual({ code: 255, stdout: "" });
    expect(below.stderr).toContain("/mnt/none is missing in a directory of the host");
    const readOnly = await line(
      "singularity exec -B $D/job:/mnt:ro -B $D/inputs:/mnt/none image.sif true",
    );
    expect(readOnly.stderr).toContain("destination /mnt/none doesn't exist");
  });
});
