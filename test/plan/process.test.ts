import { describe, expect, test } from "bun:test";
import { writeOciRunscript } from "../../src/plan/env/oci-scripts.ts";
import { IMAGE_TREE, madeUpImage, planOf } from "../support/made-up-launch.ts";

const argvOf = (
  tree: Parameters<typeof madeUpImage>[1],
  args: readonly string[],
  action: "run" | "exec" = "run",
) =>
  planOf({ image: madeUpImage({}, tree), request: { action, args } }).process.candidates.map(
    (c) => c.argv,
  );

describe("the program of a launch", () => {
  test("run starts the runscript, with the words after the image", () => {
    const tree = {
      ...IMAGE_TREE,
      "/.singularity.d/runscript": { file: "#!/bin/sh\n", mode: 0o755 },
    };
    expect(argvOf(tree, ["a", "b"])).toEqual([["/.singularity.d/runscript", "a", "b"]]);
  });

  test("run of an OCI image starts its entrypoint without a shell", () => {
    const tree = {
      "/app": { file: "" },
      "/.singularity.d/runscript": {
        file: writeOciRunscript(["/app", "--x"], ["one two"]),
        mode: 0o755,
      },
    };
    expect(argvOf(tree, [])).toEqual([["/app", "--x", "one two"]]);
    expect(argvOf(tree, ["$HOME"])).toEqual([["/app", "--x", "/home/ann"]]);
  });

  test("run of an OCI image with neither entrypoint nor command says so", () => {
    const tree = { "/.singularity.d/runscript": { file: writeOciRunscript([], []), mode: 0o755 } };
    expect(() => argvOf(tree, [])).toThrow("names no program to start");
  });

  test("a script of the image may replace the words of the command", () => {
    const tree = { ...IMAGE_TREE, "/.singularity.d/env/50-x.sh": { file: "set -- echo other\n" } };
    expect(argvOf(tree, ["true"], "exec")).toEqual([["echo", "other"]]);
  });

  test("a runscript that nobody may execute counts as none", () => {
    const tree = { ...IMAGE_TREE, "/.singularity.d/runscript": { file: "#!/bin/sh\n" } };
    expect(argvOf(tree, ["-c", "true"])).toEqual([["/bin/sh", "-c", "true"]]);
  });

  for (const [action, what] of [
    ["run", "runscript"],
    ["test", "tests"],
    ["start", "startscript"],
  ] as const) {
    test(`${action} of an app without a ${what} fails, and says so`, () => {
      const image = madeUpImage({}, { ...IMAGE_TREE, "/scif/apps/one/scif": "dir" });
      expect(() => planOf({ image, request: { action, app: "one", args: [] } })).toThrow(
        `${what} for contained app: one`,
      );
    });
  }
});
