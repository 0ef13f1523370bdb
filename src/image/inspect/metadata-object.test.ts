import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../base/fault.ts";
import { NO_ATTRIBUTES } from "./attributes.ts";
import { decodeMetadata } from "./metadata-object.ts";

const decode = (value: unknown): ReturnType<typeof decodeMetadata> =>
  decodeMetadata(new TextEncoder().encode(JSON.stringify(value)));

test("decodeMetadata() reads every member of the image and its applications", () => {
  const own = {
    environment: { "/e": "x" },
    labels: { k: "v" },
    runscript: "r",
    startscript: "s",
    test: "t",
    helpfile: "h",
  };
  const attributes = decode({
    data: { attributes: { ...own, apps: { foo: own, bar: {} }, deffile: "d\n" } },
    type: "container",
  });
  const { apps: _, deffile: _d, ...none } = NO_ATTRIBUTES;
  const read = {
    ...own,
    environment: new Map([["/e", "x"]]),
    labels: new Map([["k", "v"]]),
  };
  expect(attributes).toEqual({
    ...read,
    deffile: "d\n",
    apps: new Map([
      ["foo", read],
      ["bar", none],
    ]),
  });
});

test.each([
  ["an empty object", {}],
  ["null", null],
  ["no attributes", { data: {} }],
  ["only null", { data: { attributes: { labels: null, runscript: null, apps: null } } }],
  ["members of later versions", { data: { attributes: { future: [1] } }, version: 3 }],
])("decodeMetadata() finds nothing in %s", (_, value) => {
  expect(decode(value)).toEqual(NO_ATTRIBUTES);
});

test.each([
  [[], "it is an array, not an object"],
  [{ data: 3 }, "data is a number, not an object"],
  [{ data: { attributes: "x" } }, "data.attributes is a text, not an object"],
  [{ data: { attributes: { runscript: 1 } } }, "runscript is a number, not a text"],
  [{ data: { attributes: { labels: { a: 1 } } } }, "labels.a is a number, not a text"],
  [{ data: { attributes: { apps: [] } } }, "apps is an array, not an object"],
  [
    { data: { attributes: { apps: { foo: { test: true } } } } },
    "apps.foo.test is a boolean, not a text",
  ],
])("decodeMetadata() refuses %j", (value, message) => {
  expect(() => decode(value)).toThrow(new Fault("invalid", message));
});

test("decodeMetadata() gives attributes or a Fault for any JSON and any bytes", () => {
  const check = (bytes: Uint8Array): void => {
    try {
      expect(typeof decodeMetadata(bytes).runscript).toBe("string");
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
    }
  };
  fc.assert(fc.property(fc.uint8Array(), check));
  const shaped = fc.record({
    data: fc.record({
      attributes: fc.record(
        { apps: fc.jsonValue(), labels: fc.jsonValue(), runscript: fc.jsonValue() },
        { requiredKeys: [] },
      ),
    }),
  });
  fc.assert(fc.property(shaped, (v) => check(new TextEncoder().encode(JSON.stringify(v)))));
});
