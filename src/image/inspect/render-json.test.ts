import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeOsText } from "../../base/os-text.ts";
import { NO_ATTRIBUTES } from "./attributes.ts";
import { decodeMetadata } from "./metadata-object.ts";
import { renderJson } from "./render-json.ts";

const { apps: _apps, deffile: _deffile, ...NO_APP } = NO_ATTRIBUTES;

test("renderJson() writes members in the reference tool's order, maps sorted by bytes", () => {
  const text = renderJson({
    startscript: "s",
    deffile: "d",
    helpfile: "h",
    test: "t",
    runscript: "r",
    labels: new Map([
      ["b", ""],
      ["\u{1f600}", "3"],
      ["\uffee", "2"],
      ["B", "1"],
    ]),
    environment: new Map([["/e", "x"]]),
    apps: new Map([
      ["foo", { ...NO_APP, startscript: "s", helpfile: "h", test: "t", runscript: "r" }],
      ["bar", NO_APP],
    ]),
  });
  expect(text).toBe(`{
	"data": {
		"attributes": {
			"apps": {
				"bar": {},
				"foo": {
					"runscript": "r",
					"startscript": "s",
					"test": "t",
					"helpfile": "h"
				}
			},
			"environment": {
				"/e": "x"
			},
			"labels": {
				"B": "1",
				"b": "",
				"\uffee": "2",
				"\u{1f600}": "3"
			},
			"runscript": "r",
			"test": "t",
			"helpfile": "h",
			"deffile": "d",
			"startscript": "s"
		}
	},
	"type": "container"
}
`);
});

test("renderJson() leaves everything out of an image that says nothing", () => {
  expect(renderJson(NO_ATTRIBUTES)).toBe(
    '{\n\t"data": {\n\t\t"attributes": {}\n\t},\n\t"type": "container"\n}\n',
  );
});

test.each([
  ["markup", '<a href="x">&</a>', String.raw`\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e`],
  ["line ends", "a\n\t\r\b\f\u2028\u2029", String.raw`a\n\t\r\b\f\u2028\u2029`],
  ["control characters", "\u0000\u0001\u001f\u007f", "\\u0000\\u0001\\u001f\u007f"],
  ["backslashes", "\\ud800 \\\\<", String.raw`\\ud800 \\\\\u003c`],
  ["a replacement character", "\ufffd", "\ufffd"],
  [
    "bytes that are no UTF-8",
    decodeOsText(Uint8Array.of(0x61, 0xff, 0xfe)),
    String.raw`a\ufffd\ufffd`,
  ],
  ["astral characters", "\u{1f600}", "\u{1f600}"],
])("renderJson() escapes %s as the reference tool's encoder does", (_, value, escaped) => {
  expect(renderJson({ ...NO_ATTRIBUTES, runscript: value })).toContain(`"runscript": "${escaped}"`);
});

test("decodeMetadata() gives back what renderJson() wrote", () => {
  const text = fc.string({ unit: "grapheme" });
  const texts = fc.array(fc.tuple(text, text), { maxLength: 4 }).map((entries) => new Map(entries));
  const own = {
    environment: texts,
    labels: texts,
    runscript: text,
    startscript: text,
    test: text,
    helpfile: text,
  };
  const apps = fc
    .array(fc.tuple(text, fc.record(own)), { maxLength: 3 })
    .map((entries) => new Map(entries));
  fc.assert(
    fc.property(fc.record({ ...own, apps, deffile: text }), (attributes) => {
      const bytes = new TextEncoder().encode(renderJson(attributes));
      expect(decodeMetadata(bytes)).toEqual(attributes);
    }),
  );
});
