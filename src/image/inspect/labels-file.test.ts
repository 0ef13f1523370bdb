import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseLabelsFile } from "./labels-file.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['{"a":"b","c":""}', { a: "b", c: "" }],
  ["{}", {}],
  ["null", {}],
  ['{"z":null}', { z: "" }],
  ['{"__proto__":"p","constructor":"c"}', JSON.parse('{"__proto__":"p","constructor":"c"}')],
  ['{"u":"\\ud800x"}', { u: "\ufffdx" }],
  [' {"a":"1","a":"2"}\n', { a: "2" }],
])("parseLabelsFile() takes %s without a problem", (text, labels) => {
  const parsed = parseLabelsFile(encode(text));
  expect([...parsed.labels]).toEqual(Object.entries(labels as Record<string, string>));
  expect(parsed.problem).toBeUndefined();
});

test.each([
  ["", "not valid JSON"],
  ['{"a":"b"', "not valid JSON"],
  ["a: b", "not valid JSON"],
  ["[]", "an array, not an object"],
  ["3", "a number, not an object"],
  ['"text"', "a text, not an object"],
])("parseLabelsFile() finds no labels in %p and says why", (text, problem) => {
  const parsed = parseLabelsFile(encode(text));
  expect([...parsed.labels]).toEqual([]);
  expect(parsed.problem).toContain(problem);
});

test("parseLabelsFile() keeps the key of a value that is no text, and names the first one", () => {
  const parsed = parseLabelsFile(encode('{"a":"b","n":1,"l":["x"],"o":{},"t":true}'));
  expect([...parsed.labels]).toEqual(Object.entries({ a: "b", n: "", l: "", o: "", t: "" }));
  expect(parsed.problem).toBe('the value of "n" is a number, not a text');
});

test("parseLabelsFile() takes any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const { labels, problem } = parseLabelsFile(bytes);
      expect(labels.size === 0 || problem === undefined).toBe(true);
    }),
  );
});
