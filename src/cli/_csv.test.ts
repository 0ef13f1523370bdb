import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readCsvRecord } from "./_csv.ts";

describe("readCsvRecord()", () => {
  test.each([
    ["", []],
    ["a", ["a"]],
    ["a,b,,", ["a", "b", "", ""]],
    [" a , b", [" a ", " b"]],
    ['"a,b",c', ["a,b", "c"]],
    ['"a""b"', ['a"b']],
    ['""', [""]],
    ['"a\nb",c', ["a\nb", "c"]],
    ["a,b\nc", ["a", "b"]],
    ["a\r\nb", ["a"]],
    ["a\rb", ["a\rb"]],
    ["\n\r\na", ["a"]],
  ])("%j gives %j", (text, fields) => {
    expect(readCsvRecord(text)).toEqual({ kind: "fields", fields });
  });

  test.each([
    ['a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
    ['x,a"', 'parse error on line 1, column 4: bare " in non-quoted-field'],
    ['"a', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
    ['"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
    ["\n", "there is no value on the line"],
  ])("%j is refused", (text, reason) => {
    expect(readCsvRecord(text)).toEqual({ kind: "error", reason });
  });

  test("fields come back when they are quoted", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
        const text = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(",");
        expect(readCsvRecord(text)).toEqual({ kind: "fields", fields });
      }),
    );
  });

  test("no text crashes it", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('"', ",", "\n", "\r", "a", " ")), (bits) => {
        expect(["fields", "error"]).toContain(readCsvRecord(bits.join("")).kind);
      }),
    );
  });
});
