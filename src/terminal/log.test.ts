import { describe, expect, test } from "bun:test";
import { createLog, readLevel } from "./log.ts";

function linesAt(level: number, isColor = false): readonly string[] {
  const lines: string[] = [];
  const log = createLog({
    level,
    isColor: () => isColor,
    write: (line) => lines.push(line),
    identity: () => "U=1000,P=42",
  });
  log.fatal("f");
  log.error("e");
  log.warning("w");
  log.info("i");
  log.verbose("v");
  log.debug("d", "plan");
  return lines;
}

describe("createLog()", () => {
  test.each([
    [-3, ["FATAL", "ERROR"]],
    [-1, ["FATAL", "ERROR", "WARNING"]],
    [1, ["FATAL", "ERROR", "WARNING", "INFO"]],
    [4, ["FATAL", "ERROR", "WARNING", "INFO", "VERBOSE"]],
    [5, ["FATAL", "ERROR", "WARNING", "INFO", "VERBOSE", "DEBUG"]],
  ])("at level %d writes %j", (level, words) => {
    expect(linesAt(level).map((line) => /^[A-Z]+/.exec(line)?.[0])).toEqual(words);
  });

  test("pads the prefixes to one width", () => {
    expect(linesAt(4)).toEqual([
      "FATAL:   f\n",
      "ERROR:   e\n",
      "WARNING: w\n",
      "INFO:    i\n",
      "VERBOSE: v\n",
    ]);
  });

  test("colours the prefix only", () => {
    expect(linesAt(1, true)).toEqual([
      "\x1b[31mFATAL:  \x1b[0m f\n",
      "\x1b[31mERROR:  \x1b[0m e\n",
      "\x1b[33mWARNING:\x1b[0m w\n",
      "\x1b[34mINFO:   \x1b[0m i\n",
    ]);
  });

  test("names process and speaker at debug level", () => {
    expect(linesAt(5).at(-1)).toBe("DEBUG   [U=1000,P=42]      plan()                        d\n");
    expect(linesAt(5)[2]).toBe("WARNING [U=1000,P=42]      main()                        w\n");
  });

  test("asks for colour only when it writes", () => {
    let asked = 0;
    const isColor = (): boolean => {
      asked += 1;
      return false;
    };
    const log = createLog({ level: 1, isColor, write: () => {}, identity: () => "" });
    log.debug("x");
    expect(asked).toBe(0);
    log.info("x");
    log.info("y");
    expect(asked).toBe(1);
  });
});

describe("readLevel()", () => {
  const flags = (...on: readonly string[]) => ({ bool: (name: string) => on.includes(name) });
  test.each([
    [[], {}, 1],
    [["debug"], {}, 5],
    [["verbose"], {}, 4],
    [["quiet"], {}, -1],
    [["silent"], {}, -3],
    [["silent", "quiet", "debug", "verbose"], {}, 5],
    [["silent", "quiet"], {}, -1],
    [[], { APPTAINER_MESSAGELEVEL: "5" }, 5],
    [[], { SINGULARITY_MESSAGELEVEL: "4" }, 4],
    [[], { APPTAINER_MESSAGELEVEL: "-3" }, 1],
    [[], { APPTAINER_MESSAGELEVEL: "0" }, 1],
    [[], { APPTAINER_MESSAGELEVEL: "much" }, 1],
    [["quiet"], { APPTAINER_MESSAGELEVEL: "5" }, -1],
  ])("%j with %j is %d", (on, env, level) => {
    expect(readLevel(flags(...on), env as Record<string, string>)).toBe(level);
  });
});
