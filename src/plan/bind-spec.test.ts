import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../base/fault.ts";
import { parseBinds, parseMounts } from "./bind-spec.ts";

const bind = (text: string) => parseBinds([{ text, origin: "--bind" }], "/site");
const mount = (text: string) => parseMounts([{ text, origin: "--mount" }], "/site");

describe("parseBinds()", () => {
  const cases: [string, string[]][] = [
    ["/a", ["/a>/a"]],
    ["/a:/b", ["/a>/b"]],
    ["/a:/b:ro", ["/a>/b ro"]],
    ["/a:/b:rw", ["/a>/b"]],
    ["/a,/b:/c", ["/a>/a", "/b>/c"]],
    ["/a:/b:ro,/c:/d", ["/a>/b ro", "/c>/d"]],
    ["/a\\:b:/x", ["/a:b>/x"]],
    ["/c\\,d:/x", ["/c,d>/x"]],
    ["rel:/x", ["/site/rel>/x"]],
    ["rel", ["/site/rel>rel"]],
    [":/x", ["/x>/x"]],
    ["/a:/b, /c:/d", ["/a>/b", "/c>/d"]],
    [" /a : /b : ro , /c ", ["/a>/b ro", "/c>/c"]],
    ["", []],
    [",", []],
    [" , ", []],
    ["/i.sif:/x:image-src=/data,id=3,ro", ["/i.sif>/x ro image=/data id=3"]],
    ["/i.sif:/x:image-src=", ["/i.sif>/x image=/"]],
    // An option word needs a destination before it; else it is a source of its own.
    ["/a,ro", ["/a>/a", "/site/ro>ro"]],
    ["/a:/b,ro", ["/a>/b ro"]],
  ];
  for (const [text, expected] of cases) {
    test(`reads ${JSON.stringify(text)}`, () => {
      const shown = bind(text).map(
        (b) =>
          `${b.source}>${b.target}${b.readOnly ? " ro" : ""}${b.imageSrc === undefined ? "" : ` image=${b.imageSrc}`}${b.id === undefined ? "" : ` id=${b.id}`}`,
      );
      expect(shown).toEqual(expected);
    });
  }

  test("throws for an unknown option with the peer's words", () => {
    expect(() => bind("/a:/b:bad")).toThrow("bad is not a valid bind option");
  });

  test("throws for too many colons with the peer's words", () => {
    expect(() => bind("/a:/b:ro:x")).toThrow("bad bind syntax");
  });

  test("throws only faults, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "/", ":", ",", "\\", "=", "ro", "id=") }),
        (text) => {
          try {
            bind(text);
          } catch (error) {
            expect(error).toBeInstanceOf(Fault);
          }
        },
      ),
    );
  });
});

describe("parseMounts()", () => {
  test("reads keys, aliases, quotes and several lines", () => {
    const binds = mount('type=bind,src=/a,dst=/b,ro\n"source=/c,d",target=/e');
    expect(binds.map((b) => [b.source, b.target, b.readOnly])).toEqual([
      ["/a", "/b", true],
      ["/c,d", "/e", false],
    ]);
  });

  const faults: [string, string][] = [
    ["type=bind,src=/a", "mounts must specify a source and a destination"],
    ["src=/a,dst=/b,rw", 'invalid key "rw" in mount specification'],
    ["type=tmpfs,dst=/b", "unsupported mount type \"tmpfs\", only 'bind' is supported"],
    ["src=/a,dst=/b,bind-propagation=shared", "bind-propagation not supported"],
    ['"src=/a,dst=/b', 'extraneous or missing " in quoted-field'],
  ];
  for (const [text, words] of faults) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => mount(text)).toThrow(words);
    });
  }

  test("keeps image-src and id", () => {
    expect(mount("src=/i.sif,dst=/x,image-src=/d,id=2")[0]).toMatchObject({
      imageSrc: "/d",
      id: 2,
    });
  });

  test("leaves nonested mounts out of nested runs", () => {
    expect(mount("src=/a,dst=/x,nonested")[0]?.nested).toBe(false);
  });
});
