import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseChallenge } from "./_challenge.ts";

test.each([
  [null, undefined],
  ["", undefined],
  ["Negotiate", undefined],
  ['Basic realm="x y"', { scheme: "basic", parameters: { realm: "x y" } }],
  ["BASIC realm=x", { scheme: "basic", parameters: { realm: "x" } }],
  [
    'Bearer realm="https://a.example.org/token",service="r",scope="repository:a/b:pull,push"',
    {
      scheme: "bearer",
      parameters: {
        realm: "https://a.example.org/token",
        service: "r",
        scope: "repository:a/b:pull,push",
      },
    },
  ],
  [
    'Negotiate, Digest realm="no", Bearer realm="yes", Basic realm="later"',
    { scheme: "bearer", parameters: { realm: "yes" } },
  ],
  ['Basic realm="a \\"b\\""', { scheme: "basic", parameters: { realm: 'a "b"' } }],
])("parseChallenge(%j)", (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge as never);
});

test("parseChallenge() takes any text", () => {
  fc.assert(fc.property(fc.string(), (text) => void parseChallenge(`Bearer ${text}`)));
});
