import { beforeAll, describe, expect, test } from "bun:test";
import { testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = noSmallImage();
const lab = callerLab();
const testImage = testUnless(reason);

const SECTIONS = `%environment
    export GREETING="from the image"
%labels
    Maintainer someone
%help
    What it is for
%test
    true
%runscript
    echo "$@"
%apprun small
    echo running small
%applabels small
    Size 1
`;

beforeAll(async () => {
  if (reason !== undefined) return;
  await buildSmallImage(lab, "image.sif", SECTIONS);
  mustSucceed(await lab.run(["apptainer", "build", "--sandbox", "image", "image.sif"]));
});

interface Inspected {
  readonly type: string;
  readonly data: { readonly attributes: Readonly<Record<string, unknown>> };
}

describe.each(["singularity", "apptainer"])("spython by %s", (engine) => {
  test("reads a version of three words", async () => {
    const { stdout } = await lab.run([engine, "--version"]);
    expect(stdout).toMatch(/^(?:singularity|apptainer) version [0-9]+\.[0-9]+\.[0-9]+\n$/);
  });

  for (const image of ["image.sif", "image"]) {
    testImage(`gets one JSON value from any combination of questions about ${image}`, async () => {
      const keys = {
        e: "environment",
        d: "deffile",
        l: "labels",
        r: "runscript",
        H: "helpfile",
        t: "test",
      };
      for (const letters of ["edlrHt", "l", "rt", "d", "eH"]) {
        const flags = [...letters].map((letter) => `-${letter}`);
        const done = await lab.run([engine, "inspect", ...flags, "--json", image]);
        mustSucceed(done);
        const { type, data } = JSON.parse(done.stdout) as Inspected;
        const asked = [...letters].map((letter) => keys[letter as keyof typeof keys]);
        expect(type).toBe("container");
        expect(Object.keys(data.attributes).sort()).toEqual(asked.sort());
      }
    });
  }

  testImage("and cwltool find attributes in a directory image without asking for any", async () => {
    const done = await lab.run([engine, "inspect", "--json", "image"]);
    mustSucceed(done);
    const { data } = JSON.parse(done.stdout) as Inspected;
    expect(data.attributes["labels"]).toMatchObject({ Maintainer: "someone" });
  });

  testImage("gets what belongs to an app", async () => {
    const done = await lab.run([
      engine,
      "inspect",
      "--app",
      "small",
      "-l",
      "-r",
      "--json",
      "image.sif",
    ]);
    mustSucceed(done);
    expect(done.stdout).toContain("running small");
    expect(done.stdout).toContain("Size");
  });

  test("finds no instances, in the form it reads", async () => {
    for (const words of [
      ["instance", "list", "--json"],
      ["instance.list", "--json"],
      ["instance", "list", "--json", "name"],
    ]) {
      const done = await lab.run([engine, ...words]);
      mustSucceed(done);
      expect(JSON.parse(done.stdout)).toEqual({ instances: [] });
    }
    expect((await lab.run([engine, "instance", "list"])).stdout).toBe(
      "INSTANCE NAME    PID    IP    IMAGE\n",
    );
  });

  test("is told that there is no instance to stop", async () => {
    for (const words of [
      ["instance", "stop", "name"],
      ["instance.stop", "--all"],
      ["instance", "stop", "-t", "5", "name"],
    ]) {
      const { code, stderr } = await lab.run([engine, ...words]);
      expect(code).toBe(1);
      expect(stderr).toStartWith('Error for command "stop": no instance found\n');
    }
  });

  testImage(
    "starts, finds, uses and stops an instance, by today's words and by the old ones",
    async () => {
      for (const [start, list, stop] of [
        [
          ["instance", "start"],
          ["instance", "list"],
          ["instance", "stop"],
        ],
        [["instance.start"], ["instance.list"], ["instance.stop"]],
      ] as const) {
        const name = `spy-${engine}`;
        mustSucceed(await lab.run([engine, ...start, "image.sif", name, "word"]));
        const listed = await lab.run([engine, ...list, "--json", name]);
        mustSucceed(listed);
        const { instances } = JSON.parse(listed.stdout);
        expect(instances).toEqual([
          {
            instance: name,
            pid: expect.any(Number),
            img: `${lab.dir}/image.sif`,
            ip: "",
            logErrPath: expect.stringMatching(/\/\.apptainer\/instances\/logs\/.*\.err$/),
            logOutPath: expect.stringMatching(/\/\.apptainer\/instances\/logs\/.*\.out$/),
          },
        ]);
        const ran = await lab.run([engine, "exec", `instance://${name}`, "cat", "/proc/1/comm"]);
        expect(ran).toMatchObject({ code: 0, stdout: "appinit\n" });
        mustSucceed(await lab.run([engine, ...stop, "-t", "5", name]));
        expect((await lab.run([engine, ...list, "--json", name])).stdout).toBe(
          '{\n\t"instances": []\n}\n',
        );
      }
    },
  );

  testImage("builds from a recipe over what is there", async () => {
    lab.write("again.def", "Bootstrap: localimage\nFrom: image.sif\n\n%labels\n    Again yes\n");
    for (const options of [["--force"], ["--force", "--sandbox"]]) {
      const target = options.includes("--sandbox") ? "again" : "again.sif";
      mustSucceed(await lab.run([engine, "build", ...options, target, "again.def"]));
      mustSucceed(await lab.run([engine, "build", ...options, target, "again.def"]));
      const done = await lab.run([engine, "inspect", "-l", target]);
      expect(done.stdout).toContain("Again: yes\n");
      expect(done.stdout).toContain("Maintainer: someone\n");
    }
  });
});
