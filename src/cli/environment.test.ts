import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../base/fault.ts";
import { findCommand } from "./command-index.ts";
import { addEnvironment } from "./environment.ts";
import { FlagIndex, packFlags } from "./flag-index.ts";

const exec = await findCommand("exec");
const index = new FlagIndex(packFlags(exec?.flags ?? []));

function read(env: Record<string, string>, given: Record<string, readonly string[]> = {}) {
  const settings = new Map(
    Object.entries(given).map(([name, values]) => [
      name,
      values.map((value) => ({ value, source: "command line" })),
    ]),
  );
  const result = addEnvironment(index, settings, env, { preferNotice: true });
  const values = Object.fromEntries(
    [...result.settings].map(([name, list]) => [name, list.map((one) => one.value)]),
  );
  return {
    values,
    notices: result.notices.map((notice) => notice.text),
    settings: result.settings,
  };
}

describe("addEnvironment()", () => {
  const cases: readonly [
    string,
    Record<string, string>,
    Record<string, readonly string[]>,
    Record<string, readonly string[]>,
  ][] = [
    ["reads a variable", { APPTAINER_HOME: "/h" }, {}, { home: ["/h"] }],
    ["keeps what was given", { APPTAINER_HOME: "/h" }, { home: ["/x"] }, { home: ["/x"] }],
    [
      "adds binds of both variables to those given",
      { APPTAINER_BIND: "/b,/c", APPTAINER_BINDPATH: "/d" },
      { bind: ["/a"] },
      { bind: ["/a", "/b,/c", "/d"] },
    ],
    ["adds mounts", { APPTAINER_MOUNT: "x" }, { mount: ["y"] }, { mount: ["y", "x"] }],
    [
      "takes only the first variable of other lists",
      { APPTAINER_OVERLAY: "a", APPTAINER_OVERLAYIMAGE: "b" },
      {},
      { overlay: ["a"] },
    ],
    ["takes the second if it is alone", { APPTAINER_OVERLAYIMAGE: "b" }, {}, { overlay: ["b"] }],
    ["splits strings", { APPTAINER_SCRATCH: "/a,/b" }, {}, { scratch: ["/a", "/b"] }],
    ["ignores blank values", { APPTAINER_CONTAIN: " \t", APPTAINER_HOME: "" }, {}, {}],
    ["trims values", { APPTAINER_CONTAIN: " 1 " }, {}, { contain: ["true"] }],
    [
      "reads T and f",
      { APPTAINER_PID: "T", APPTAINER_NV: "f" },
      {},
      { pid: ["true"], nv: ["false"] },
    ],
    ["puts SKIFF_ first", { SKIFF_HOME: "/s", APPTAINER_HOME: "/h" }, {}, { home: ["/s"] }],
    ["reads PWD for the working directory only with a prefix", { PWD: "/p" }, {}, {}],
    ["reads that one", { APPTAINER_PWD: "/p" }, {}, { cwd: ["/p"] }],
    ["reads DOCKER_HOST without prefix", { DOCKER_HOST: "d" }, {}, { "docker-host": ["d"] }],
    [
      "prefers it with prefix",
      { DOCKER_HOST: "d", APPTAINER_DOCKER_HOST: "e" },
      {},
      { "docker-host": ["e"] },
    ],
    [
      "ignores unknown names",
      { APPTAINER_NONSENSE: "1", APPTAINER_: "1", APPTAINERENV_A: "1" },
      {},
      {},
    ],
  ];
  test.each(cases)("%s", (_name, env, given, wanted) => {
    expect(read(env, given).values).toEqual(wanted as Record<string, string[]>);
  });

  test("tells that SINGULARITY_ is the lesser name, and that it lost", () => {
    expect(read({ SINGULARITY_HOME: "/h" })).toMatchObject({
      values: { home: ["/h"] },
      notices: ["Environment variable SINGULARITY_HOME is set, but APPTAINER_HOME is preferred"],
    });
    expect(read({ SINGULARITY_HOME: "/h", APPTAINER_HOME: "/i" })).toMatchObject({
      values: { home: ["/i"] },
      notices: ["SINGULARITY_HOME and APPTAINER_HOME have different values, using the latter"],
    });
    expect(read({ SINGULARITY_HOME: "/h", APPTAINER_HOME: "/h" }).notices).toEqual([]);
    expect(read({ SINGULARITY_HOME: "/h", SKIFF_HOME: "/i" }).notices).toEqual([]);
    // Also where the flag was given: the variable is about every call, not only this one.
    expect(read({ SINGULARITY_HOME: "/h" }, { home: ["/x"] }).notices).toHaveLength(1);
  });

  test("says nothing of SINGULARITY_ names to who asked not to be told", () => {
    const { notices } = addEnvironment(
      index,
      new Map(),
      { SINGULARITY_HOME: "/h" },
      { preferNotice: false },
    );
    expect(notices).toEqual([]);
  });

  test("names the variable that set a value", () => {
    const { settings } = read({ SINGULARITY_BIND: "/a", APPTAINER_BINDPATH: "/b" });
    expect(settings.get("bind")?.map((one) => one.source)).toEqual([
      "SINGULARITY_BIND",
      "APPTAINER_BINDPATH",
    ]);
  });

  test.each([
    [
      "APPTAINER_CONTAIN",
      "yes",
      'Cannot set flag --contain from APPTAINER_CONTAIN: "yes" is neither true nor false',
    ],
    [
      "SINGULARITY_PIDS_LIMIT",
      "many",
      'Cannot set flag --pids-limit from SINGULARITY_PIDS_LIMIT: "many" is not a whole number',
    ],
  ])("throws for %s=%s with exit status 255", (name, value, message) => {
    try {
      read({ [name]: value });
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      expect(error).toMatchObject({ message, exitCode: 255, code: "invalid" });
      return;
    }
    throw new Error("no fault");
  });

  test("does not look at a wrong value of a flag that was given", () => {
    expect(read({ APPTAINER_CONTAIN: "yes" }, { contain: ["true"] }).values).toEqual({
      contain: ["true"],
    });
  });

  test("without a variable of ours the settings are those given, whatever else is set", () => {
    const names = fc
      .string({ minLength: 1, maxLength: 20 })
      .filter(
        (name) => !/^(SKIFF|APPTAINER|SINGULARITY)_|^DOCKER_|^TMPDIR$|^__proto__$/.test(name),
      );
    fc.assert(
      fc.property(fc.dictionary(names, fc.string()), (env) => {
        expect(read(env, { home: ["/x"] }).values).toEqual({ home: ["/x"] });
      }),
    );
  });
});
