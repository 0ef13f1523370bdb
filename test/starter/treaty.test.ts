import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { opHeader } from "../../scripts/generate-op-header.ts";
import { encodeOsText } from "../../src/base/os-text.ts";
import { encodeOps } from "../../src/ops/encode.ts";
import type { WiredOp } from "../../src/ops/op.ts";
import { OP_FIELDS } from "../../src/ops/op-fields.ts";
import { treeRoot } from "../support/tree.ts";
import { arbitraryOps } from "./arbitrary-op.ts";
import { useStarter } from "./driver.ts";

const starter = useStarter();
const dump = starter.build("--dump");

function hex(text: string): string {
  return Buffer.from(encodeOsText(text)).toString("hex");
}

function shown(value: unknown): string {
  if (typeof value === "string") return hex(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map((text) => `/${hex(text)}`).join("");
  return value === Number.POSITIVE_INFINITY ? "18446744073709551615" : String(value);
}

/** What dump.c prints for an op. */
function line({ op, faults }: WiredOp): string {
  const values = op as unknown as Record<string, unknown>;
  const fields = Object.keys(OP_FIELDS[op.kind]).map((name) => {
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return ` ${snake}=${shown(values[name])}`;
  });
  const texts = faults.map(({ errno, text }) => ` ${errno}:${hex(text)}`);
  return `${op.kind}${fields.join("")}${texts.join("")} #\n`;
}

test("starter/op.h is what scripts/generate-op-header.ts writes", () => {
  expect(readFileSync(`${treeRoot}/starter/op.h`, "utf8")).toBe(opHeader());
});

test("the starter decodes what encodeOps() wrote, whatever the values", () => {
  fc.assert(
    fc.property(arbitraryOps, (ops) => {
      const file = starter.writeStream(encodeOps(ops, { debug: false, procPath: "/proc" }));
      const done = Bun.spawnSync([dump, file]);
      expect(done.stderr.toString()).toBe("");
      expect(done.stdout.toString()).toBe(ops.map(line).join(""));
    }),
    { numRuns: 60 },
  );
});
