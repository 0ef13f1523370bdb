import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { parseImageConfig } from "./image-config.ts";

test("parseImageConfig() reads what an image says", () => {
  const config = parseImageConfig(
    JSON.stringify({
      architecture: "arm64",
      variant: "v8",
      os: "linux",
      created: "2020-01-02T03:04:05.678901234+01:00",
      rootfs: { diff_ids: ["sha256:1"] },
      config: {
        Labels: { b: "<2>", a: "1" },
        Cmd: ["x"],
        Entrypoint: null,
        Env: ["A=b"],
        WorkingDir: "",
        Healthcheck: {},
        ExposedPorts: { "80/tcp": {} },
      },
    }),
    "image x",
  );
  expect(config).toMatchObject({
    arch: "arm64",
    variant: "v8",
    createdSeconds: 1_577_930_645,
    env: ["A=b"],
    entrypoint: [],
    cmd: ["x"],
    labels: { a: "1", b: "<2>" },
    diffIds: ["sha256:1"],
  });
  expect(config.configJson).toBe(
    '{"Cmd":["x"],"Env":["A=b"],"ExposedPorts":{"80/tcp":{}},"Labels":{"a":"1","b":"\\u003c2\\u003e"}}',
  );
});

test("parseImageConfig() takes the configuration of an artifact, which says nothing", () => {
  expect(parseImageConfig("{}", "x")).toMatchObject({
    arch: "",
    createdSeconds: 0,
    configJson: "{}",
  });
});

for (const [text, why] of [
  ["<html>", "not JSON"],
  ["[]", "no JSON object"],
  ['{"config":{"Env":"A=b","Cmd":[1]}}', '"Cmd"'],
  ['{"architecture":5}', '"architecture"'],
  ['{"os":"windows"}', '"windows"'],
] as const) {
  test(`parseImageConfig() refuses ${text}`, () => {
    expect(() => parseImageConfig(text, "image x")).toThrow(Fault);
    expect(() => parseImageConfig(text, "image x")).toThrow(why);
  });
}
