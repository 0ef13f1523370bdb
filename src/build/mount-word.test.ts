import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseMounts } from "../plan/bind-spec.ts";
import { mountWord } from "./mount-word.ts";

test("mountWord() is read back as the same mount, whatever the paths hold", () => {
  const path = fc
    .string({ minLength: 1 })
    .filter((p) => !/[\0\r\n]/.test(p) && p.trim() === p)
    .map((p) => `/x${p.replaceAll("/", "_")}y`);
  fc.assert(
    fc.property(path, path, fc.boolean(), (source, target, readOnly) => {
      const [back] = parseMounts(
        [{ text: mountWord({ source, target, readOnly }), origin: "t" }],
        "/",
      );
      expect([back?.source, back?.target, back?.readOnly]).toEqual([source, target, readOnly]);
    }),
  );
});
