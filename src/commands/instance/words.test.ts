import { describe, expect, test } from "bun:test";
import type { InstanceRecord } from "../../runtime/instances/records.ts";
import { parseSignal } from "./stop.ts";
import { systemdUnit } from "./unit.ts";

describe("parseSignal()", () => {
  test.each([
    ["", 2],
    ["TERM", 15],
    ["SIGTERM", 15],
    ["sigusr1", 10],
    ["9", 9],
    ["64", 64],
  ])("%j is %p", (word, number) => {
    expect(parseSignal(word)).toBe(number);
  });

  test.each(["NOSUCH", "0", "65", "-9", "1.5", "TERM "])("%j is no signal", (word) => {
    expect(() => parseSignal(word)).toThrow("Could not convert stop signal");
  });
});

test("systemdUnit() quotes for systemd", () => {
  const one = {
    name: "web",
    image: "/i%m/x.sif",
    command: {
      words: [
        "/opt/skiff",
        "instance",
        "start",
        '--env=A=$b "c" 100%',
        "--",
        "x.sif",
        "web",
        "a\nb",
      ],
      cwd: "/d%d",
    },
  } as unknown as InstanceRecord;
  const unit = systemdUnit(one);
  expect(unit).toContain("WorkingDirectory=/d%%d\n");
  expect(unit).toContain(
    'ExecStart=/opt/skiff instance start "--env=A=$$b \\"c\\" 100%%" --pid-file=%t/skiff-web.pid -- x.sif web "a\\nb"\n',
  );
  expect(unit).toContain("ExecStop=/opt/skiff instance stop web\n");
});
