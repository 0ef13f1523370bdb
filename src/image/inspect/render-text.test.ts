import { expect, test } from "bun:test";
import { type Attributes, NO_ATTRIBUTES } from "./attributes.ts";
import { renderText } from "./render-text.ts";

const own = (name: string): Omit<Attributes, "apps" | "deffile"> => ({
  environment: new Map([
    ["/2", `${name} env2`],
    ["/1", `${name} env1`],
  ]),
  labels: new Map([
    ["b", name],
    ["B", ""],
  ]),
  runscript: `${name} run`,
  startscript: `${name} start`,
  test: `${name} test`,
  helpfile: `${name} help`,
});
const full: Attributes = {
  ...own("image"),
  apps: new Map([
    ["foo", own("foo")],
    ["bar", own("bar")],
  ]),
  deffile: "def\n",
};

test("renderText() has the reference tool's order, whatever was asked for first", () => {
  expect(renderText(full, { listApps: true, app: undefined })).toBe(
    "bar\nfoo\ndef\n\nimage run\nimage start\nimage test\nimage help\n" +
      "=== /1 ===\nimage env1\n\n=== /2 ===\nimage env2\n\nB: \nb: image\n",
  );
});

test("renderText() shows the application's parts where the image has none", () => {
  const attributes = { ...NO_ATTRIBUTES, apps: full.apps };
  expect(renderText(attributes, { listApps: false, app: "foo" })).toBe(
    "foo run\nfoo start\nfoo test\nfoo help\n" +
      "=== /1 ===\nfoo env1\n\n=== /2 ===\nfoo env2\n\nB: \nb: foo\n",
  );
  expect(renderText(attributes, { listApps: false, app: undefined })).toBe("");
});

test("renderText() is empty for an application that does not exist and for an image that says nothing", () => {
  expect(renderText(NO_ATTRIBUTES, { listApps: true, app: "foo" })).toBe("");
});
