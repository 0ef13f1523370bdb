import { describe, expect, test } from "bun:test";
import { evaluate, globalArguments, type StageState } from "./evaluate.ts";
import { configOfState, EMPTY_STATE, stateOfConfig } from "./image-state.ts";
import { parseDockerfile } from "./parse.ts";
import { findStage, neededStages, stagesOf } from "./stages.ts";

const PLATFORM = new Map([["TARGETARCH", "amd64"]]);

/** Evaluates the only stage of a file; gives its last state and its actions. */
function evaluateAll(text: string, given: Readonly<Record<string, string>> = {}, base = "{}") {
  const { file } = parseDockerfile(text);
  const { before, stages } = stagesOf(file);
  const args = new Map(Object.entries(given));
  const global = globalArguments(before, args, PLATFORM, file.escapeSign);
  const scope = { given: args, global, platform: PLATFORM };
  let state: StageState = { image: stateOfConfig(base), args: new Map() };
  const actions: unknown[] = [];
  for (const step of stages[0]?.steps ?? []) {
    const made = evaluate(state, step, scope, file.escapeSign);
    state = made.state;
    if (made.action !== undefined) actions.push(made.action);
  }
  return { image: state.image, args: Object.fromEntries(state.args), actions };
}

describe("evaluate()", () => {
  test("ENV takes its values from before the line", () => {
    const { image } = evaluateAll('FROM x\nENV a=1\nENV a=2 b=$a c="x y" d=p\\ q\nENV e f  "g"\n');
    expect(Object.fromEntries(image.env)).toMatchObject({
      a: "2",
      b: "1",
      c: "x y",
      d: "p q",
      e: "f  g",
    });
  });

  test("ARG: what was given, the default, the global value; ENV hides it", () => {
    const text =
      "ARG G=g\nARG H=${G}h\nFROM x\nARG G\nARG H=own\nARG N\nARG D=${G}-d E=e F=${D}x\nARG TARGETARCH\nENV E=env\nENV S=$G$H$N$D$E$TARGETARCH\n";
    expect(evaluateAll(text, { E: "given" }).args).toEqual({
      G: "g",
      H: "own",
      D: "g-d",
      E: "given",
      F: "x",
      TARGETARCH: "amd64",
    });
    expect(evaluateAll(text, { E: "given" }).image.env.get("S")).toBe("gowng-denvamd64");
  });

  test("an argument is not seen before its line", () => {
    expect(evaluateAll("FROM x\nENV a=$X\nARG X=1\nENV b=$X").image.env.get("a")).toBe("");
  });

  test("WORKDIR adds up, and relative targets begin there", () => {
    const { actions } = evaluateAll(
      "FROM x\nWORKDIR /a\nWORKDIR b/../c\nCOPY d e/ .\nCOPY f g\nADD h /",
    );
    expect(actions).toMatchObject([
      { kind: "workdir", path: "/a" },
      { kind: "workdir", path: "/a/c" },
      { sources: ["d", "e/"], target: "/a/c/" },
      { sources: ["f"], target: "/a/c/g" },
      { sources: ["h"], target: "/", isAdd: true },
    ]);
  });

  test("RUN: shell and exec form, environment, here-documents", () => {
    const { actions } = evaluateAll(
      'FROM x\nARG A=1 B=2\nENV B=3\nUSER u\nRUN a $A\nRUN ["b", "$A"]\nRUN <<E\nc\nE\nRUN <<-E\n\t#!/bin/x\n\tE\nRUN cat <<E > /f\nd\nE\nSHELL ["/s", "-q"]\nRUN g\n',
      { HTTP_PROXY: "p" },
    );
    expect(actions).toMatchObject([
      { argv: ["/bin/sh", "-c", "a $A"], user: "u" },
      { argv: ["b", "$A"] },
      { argv: ["/bin/sh", "-c", "c\n"], script: undefined },
      { script: "#!/bin/x\n" },
      { argv: ["/bin/sh", "-c", "cat <<E > /f\nd\nE"] },
      { argv: ["/s", "-q", "g"] },
    ]);
    const { env } = actions[0] as { env: ReadonlyMap<string, string> };
    expect(Object.fromEntries(env)).toMatchObject({ A: "1", B: "3", HTTP_PROXY: "p" });
  });

  test("COPY: flags, lists and files written in place", () => {
    const { actions } = evaluateAll(
      'FROM x\nARG V=1\nCOPY --from=b$V --chown=$V:2 --chmod=755 ["a b", "$V", "/t"]\nCOPY <<E <<\'F\' g /d/\n$V\nE\n$V\nF\n',
    );
    expect(actions).toMatchObject([
      { from: "b1", owner: "1:2", mode: "755", sources: ["a b", "1"], target: "/t" },
      {
        documents: [
          { name: "E", content: "1\n" },
          { name: "F", content: "$V\n" },
        ],
        sources: ["g"],
        target: "/d/",
      },
    ]);
  });

  test("ENTRYPOINT drops the command of the base, not the stage's own", () => {
    const base = JSON.stringify({
      config: { Cmd: ["base"], Env: ["PATH=/p", "X=1"], Shell: ["/b"] },
    });
    expect(evaluateAll("FROM x\nENTRYPOINT a", {}, base).image).toMatchObject({
      entrypoint: ["/b", "a"],
      cmd: [],
    });
    expect(evaluateAll('FROM x\nCMD ["c"]\nENTRYPOINT ["e"]', {}, base).image.cmd).toEqual(["c"]);
    expect(evaluateAll("FROM x\nLABEL a=b", {}, base).image.cmd).toEqual(["base"]);
  });

  test("the rest is recorded as an image configuration has it", () => {
    const { image } = evaluateAll(
      "FROM scratch\nEXPOSE 80 53/UDP $X\nVOLUME /a /b\nSTOPSIGNAL SIGINT\nLABEL a.b=c \"d e\"='f g'\nUSER 1:2\nHEALTHCHECK --interval=1m30s --retries=2 CMD x\nONBUILD RUN y\nCMD z\n",
    );
    expect(JSON.parse(configOfState(image, "amd64"))).toEqual({
      architecture: "amd64",
      os: "linux",
      config: {
        User: "1:2",
        ExposedPorts: { "80/tcp": {}, "53/udp": {} },
        Env: [`PATH=${EMPTY_STATE.env.get("PATH")}`],
        Cmd: ["/bin/sh", "-c", "z"],
        Volumes: { "/a": {}, "/b": {} },
        WorkingDir: "/",
        Labels: { "a.b": "c", "d e": "f g" },
        StopSignal: "SIGINT",
        Healthcheck: { Test: ["CMD-SHELL", "x"], Interval: 90e9, Retries: 2 },
        OnBuild: ["RUN y"],
      },
    });
  });

  for (const [text, words] of [
    ['ENV a="${b:?is needed}"', "b: is needed"],
    ["COPY 'a /b", "closing single quote"],
    ["RUN --security=insecure a", "Cannot honour RUN --security"],
  ]) {
    test(`refuses ${text}`, () => {
      expect(() => evaluateAll(`FROM x\n${text}`)).toThrow(words);
    });
  }
});

test("neededStages() leaves out what the last stage does not use", () => {
  const { file } = parseDockerfile(
    "FROM a AS one\nFROM b AS two\nRUN x\nFROM one AS three\nRUN --mount=from=0,target=/m y\nFROM c\nCOPY --from=three / /\n",
  );
  const { stages } = stagesOf(file);
  expect(neededStages(stages, 3)).toEqual([0, 2, 3]);
  expect(findStage(stages, 3, "TWO", false)).toBe(1);
  expect(findStage(stages, 3, "0", false)).toBeUndefined();
});
