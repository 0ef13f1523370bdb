import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { asksForOci } from "./asks-for-oci.ts";
import { findCommand } from "./command-index.ts";
import type { Invocation } from "./invocation.ts";
import { finishFlags, type Parsed, parseCommand, readWords } from "./parse.ts";
import { ROOT } from "./root.ts";
import type { CommandSpec } from "./spec.ts";
import { UsageFault } from "./usage-fault.ts";

const options = { preferNotice: true };
const { flags: globals } = finishFlags(readWords(ROOT, [], []), {}, options);

async function commandOf(name: string): Promise<CommandSpec> {
  const command = await findCommand(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  return command;
}

const exec = await commandOf("exec");

function parse(words: readonly string[], env: Record<string, string> = {}, command = exec): Parsed {
  return parseCommand(command, words, { ...options, env, globals });
}

function invoke(
  words: readonly string[],
  env: Record<string, string> = {},
  command = exec,
): Invocation {
  const parsed = parse(words, env, command);
  if (parsed.kind !== "call") throw new Error("help was asked for");
  return parsed.invocation;
}

function reasonOf(words: readonly string[], command = exec): string {
  try {
    parse(words, {}, command);
  } catch (error) {
    if (error instanceof UsageFault) return error.message;
    throw error;
  }
  throw new Error("no fault");
}

describe("parseCommand() takes flags in every spelling", () => {
  const cases: readonly [
    string,
    readonly string[],
    string,
    string | number | boolean | readonly string[],
  ][] = [
    ["long with =", ["--bind=/a", "i", "c"], "bind", ["/a"]],
    ["long with a word", ["--bind", "/a", "i", "c"], "bind", ["/a"]],
    ["short with a word", ["-B", "/a", "i", "c"], "bind", ["/a"]],
    ["short glued", ["-B/a:/b", "i", "c"], "bind", ["/a:/b"]],
    ["short with =", ["-B=/a", "i", "c"], "bind", ["/a"]],
    ["a value that looks like a flag", ["-B", "-e", "i", "c"], "bind", ["-e"]],
    ["a value that is --", ["--bind", "--", "i", "c"], "bind", ["--"]],
    ["an empty value", ["--bind", "", "i", "c"], "bind", [""]],
    ["an empty value after =", ["--bind=", "i", "c"], "bind", [""]],
    ["a value with =", ["--bind=a=b", "i", "c"], "bind", ["a=b"]],
    ["an array keeps commas", ["-B", "/a,/b", "-B", "/c", "i", "c"], "bind", ["/a,/b", "/c"]],
    [
      "strings split at commas",
      ["-S", "/a,/b", "-S", "/c", "i", "c"],
      "scratch",
      ["/a", "/b", "/c"],
    ],
    ["strings keep quoted commas", ["-S", '"/a,b",/c', "i", "c"], "scratch", ["/a,b", "/c"]],
    ["strings may be none", ["-S", "", "i", "c"], "scratch", []],
    ["a bundle of booleans", ["-eC", "i", "c"], "containall", true],
    ["a bundle that ends with a value", ["-ecB/a", "i", "c"], "bind", ["/a"]],
    ["a bundle that ends before its value", ["-ecB", "/a", "i", "c"], "bind", ["/a"]],
    ["a boolean with =false", ["--contain=false", "i", "c"], "contain", false],
    ["a boolean with =F", ["-c=F", "i", "c"], "contain", false],
    ["a boolean given twice", ["-c", "--contain=0", "i", "c"], "contain", false],
    ["the last string wins", ["--home", "/a", "-H", "/b", "i", "c"], "home", "/b"],
    ["a hidden alias", ["--pwd", "/a", "i", "c"], "cwd", "/a"],
    ["a decimal number", ["--pids-limit", "-1", "i", "c"], "pids-limit", -1],
    ["a hexadecimal number", ["--pids-limit=0x10", "i", "c"], "pids-limit", 16],
    ["an octal number", ["--pids-limit=017", "i", "c"], "pids-limit", 15],
    ["a default", ["i", "c"], "cpu-shares", -1],
    ["a default list", ["i", "c"], "cdi-dirs", ["/etc/cdi", "/var/run/cdi"]],
    ["a list instead of its default", ["--cdi-dirs=/x", "i", "c"], "cdi-dirs", ["/x"]],
  ];
  test.each(cases)("%s", (_name, words, flag, wanted) => {
    const inv = invoke(words);
    const kind = exec.flags.find((one) => one.name === flag)?.kind;
    const value =
      kind === "bool"
        ? inv.bool(flag)
        : kind === "int"
          ? inv.int(flag)
          : kind === "string"
            ? inv.string(flag)
            : inv.strings(flag);
    expect(value).toEqual(wanted);
    expect(inv.args).toEqual(["i", "c"]);
  });

  const maps: readonly [string, readonly string[], Record<string, string>][] = [
    ["one pair keeps commas", ["A=1,2"], { A: "1,2" }],
    ["one pair loses quotes at its ends", ['"A=1"'], { A: "1" }],
    ["one pair keeps inner quotes", ['A="1'], { A: '"1' }],
    ["several pairs in one value", ["A=1,B=2"], { A: "1", B: "2" }],
    ["several values", ["A=1", "B=2", "A=3"], { A: "3", B: "2" }],
    ["quoted pairs", ['"A=1,2",B=3'], { A: "1,2", B: "3" }],
    ["a value with = inside quotes", ['"A=b=c"'], { A: "b=c" }],
    ["an empty value", ["A="], { A: "" }],
  ];
  test.each(maps)("map: %s", (_name, values, wanted) => {
    const inv = invoke([...values.flatMap((value) => ["--env", value]), "i", "c"]);
    expect(Object.fromEntries(inv.map("env"))).toEqual(wanted);
  });
});

describe("parseCommand() ends flags at the first positional word", () => {
  const cases: readonly [readonly string[], readonly string[]][] = [
    [
      ["i", "c", "-e", "--bind"],
      ["i", "c", "-e", "--bind"],
    ],
    [
      ["--", "i", "c"],
      ["i", "c"],
    ],
    [
      ["i", "--", "c"],
      ["i", "--", "c"],
    ],
    [
      ["-e", "--", "-i", "c"],
      ["-i", "c"],
    ],
    [
      ["-", "c"],
      ["-", "c"],
    ],
    [
      ["", "c"],
      ["", "c"],
    ],
    [
      ["--contain", "true", "c"],
      ["true", "c"],
    ],
  ];
  test.each(cases)("%j", (words, args) => {
    expect(invoke(words).args).toEqual(args);
  });

  test("but not for the sif commands", async () => {
    const inv = invoke(["add", "a.sif", "--datatype", "7", "f"], {}, await commandOf("sif"));
    expect(inv.args).toEqual(["a.sif", "f"]);
    expect(inv.int("datatype")).toBe(7);
    expect(inv.path).toEqual(["sif", "add"]);
  });
});

describe("parseCommand() refuses wrong words with the reference tool's reasons", () => {
  const cases: readonly [readonly string[], string][] = [
    [["--bogus", "i", "c"], "unknown flag: --bogus"],
    [["--bogus=1", "i", "c"], "unknown flag: --bogus"],
    [["-Z", "i"], "unknown shorthand flag: 'Z' in -Z"],
    [["-eZp", "i"], "unknown shorthand flag: 'Z' in -Zp"],
    [["-=x", "i"], "unknown shorthand flag: '=' in -=x"],
    [["-c=", "i"], "unknown shorthand flag: '=' in -="],
    [["--=x", "i"], "bad flag syntax: --=x"],
    [["---x", "i"], "bad flag syntax: ---x"],
    [["--bind"], "flag needs an argument: --bind"],
    [["-B"], "flag needs an argument: 'B' in -B"],
    [["-eB"], "flag needs an argument: 'B' in -B"],
    [["--version", "i", "c"], "unknown flag: --version"],
    [["--debug", "i", "c"], "unknown flag: --debug"],
    [
      ["--contain=foo", "i", "c"],
      'invalid argument "foo" for "-c, --contain" flag: "foo" is neither true nor false',
    ],
    [
      ["--contain=", "i", "c"],
      'invalid argument "" for "-c, --contain" flag: "" is neither true nor false',
    ],
    [
      ["--no-https=x", "i"],
      'invalid argument "x" for "--no-https" flag: "x" is neither true nor false',
    ],
    [["-h=foo"], 'invalid argument "foo" for "-h, --help" flag: "foo" is neither true nor false'],
    [
      ["--pids-limit", "foo", "i"],
      'invalid argument "foo" for "--pids-limit" flag: "foo" is not a whole number',
    ],
    [
      ["--pids-limit=99999999999999999999", "i"],
      'invalid argument "99999999999999999999" for "--pids-limit" flag: 99999999999999999999 is out of range',
    ],
    [
      ["--env", "foo", "i"],
      'invalid argument "foo" for "--env" flag: foo must be formatted as key=value',
    ],
    [
      ["--env", "A=1,B=2,C", "i"],
      'invalid argument "A=1,B=2,C" for "--env" flag: C must be formatted as key=value',
    ],
    [
      ["-o", 'a"b', "i"],
      'invalid argument "a\\"b" for "-o, --overlay" flag: parse error on line 1, column 2: bare " in non-quoted-field',
    ],
    [["i"], "requires at least 2 arg(s), only received 1"],
    [[], "requires at least 2 arg(s), only received 0"],
  ];
  test.each(cases)("%j", (words, reason) => {
    expect(reasonOf(words)).toBe(reason);
  });

  const counts: readonly [string, readonly string[], string][] = [
    ["build", ["x"], "accepts 2 arg(s), received 1"],
    ["build", ["--check=false", "x"], "accepts 2 arg(s), received 1"],
    ["build", ["--check", "x", "y"], "accepts 1 arg(s), received 2"],
    ["pull", [], "accepts between 1 and 2 arg(s), received 0"],
    ["pull", ["a", "b", "c"], "accepts between 1 and 2 arg(s), received 3"],
    ["key", ["list", "x"], "accepts 0 arg(s), received 1"],
    ["instance", ["list", "x", "y"], "accepts at most 1 arg(s), received 2"],
    ["key", [], "invalid command"],
    ["key", ["bogus"], "invalid command"],
    ["key", ["-d", "/k", "list"], "unknown shorthand flag: 'd' in -d"],
    ["remote", ["list", "-c", "f"], "unknown shorthand flag: 'c' in -c"],
  ];
  test.each(counts)("%s %j", async (name, words, reason) => {
    expect(reasonOf(words, await commandOf(name))).toBe(reason);
  });
});

describe("parseCommand() of groups and help", () => {
  test("keeps the flags of a group apart from those of its sub-command", async () => {
    const inv = invoke(["-c", "f", "list"], {}, await commandOf("remote"));
    expect(inv.path).toEqual(["remote", "list"]);
    expect(inv.group?.string("config")).toBe("f");
  });

  test.each([
    ["exec", ["--help"], ["exec"]],
    ["exec", ["-eh", "--bind", "x"], ["exec"]],
    ["key", ["list", "-h"], ["key", "list"]],
    ["sif", [], ["sif"]],
    ["sif", ["bogus"], ["sif"]],
  ])("shows the help of %s %j", async (name, words, path) => {
    const parsed = parse(words, {}, await commandOf(name));
    expect(parsed).toMatchObject({ kind: "help", path });
  });

  test("does not take --help after the image, nor --help=false", () => {
    expect(invoke(["i", "c", "--help"]).args).toEqual(["i", "c", "--help"]);
    expect(invoke(["--help=false", "i", "c"]).args).toEqual(["i", "c"]);
  });

  test("calls a group itself where it can be called", async () => {
    const explain = await commandOf("explain");
    expect(invoke(["--diff", "a", "b"], {}, explain).path).toEqual(["explain"]);
    const inv = invoke(["--json", "exec", "-e", "i", "c"], {}, explain);
    expect(inv.path).toEqual(["explain", "exec"]);
    expect(inv.group?.bool("json")).toBe(true);
    expect(inv.bool("cleanenv")).toBe(true);
  });

  test("warns of a deprecated spelling once it is used", () => {
    const inv = invoke(["--nohttps", "i", "c"]);
    expect(inv.bool("no-https")).toBe(true);
    expect(inv.notices).toEqual([
      { level: "warning", text: "Flag --nohttps has been deprecated, use --no-https" },
    ]);
    expect(invoke(["--no-https", "i", "c"]).notices).toEqual([]);
  });
});

describe("FlagValues", () => {
  test("tells who set a value", () => {
    const inv = invoke(["-B", "/a", "i", "c"], { APPTAINER_BIND: "/b", APPTAINER_HOME: "/h" });
    expect(inv.settings("bind")).toEqual([
      { value: "/a", source: "command line" },
      { value: "/b", source: "APPTAINER_BIND" },
    ]);
    expect(inv.source("home")).toBe("APPTAINER_HOME");
    expect(inv.source("cpu-shares")).toBe("default");
    expect(inv.source("workdir")).toBe("default");
    expect(inv.isSet("home")).toBe(true);
    expect(inv.isSet("workdir")).toBe(false);
  });

  test.each([
    [["--oci"], {}, true],
    [["--oci", "--no-oci"], {}, false],
    [["--no-oci"], { APPTAINER_OCI: "1" }, false],
    [["--oci"], { APPTAINER_NO_OCI: "1" }, true],
    [[], { APPTAINER_OCI: "1", APPTAINER_NO_OCI: "1" }, false],
    [[], {}, false],
  ])("asksForOci() of %j and %j", (words, env, asks) => {
    expect(asksForOci(invoke([...words, "i", "c"], env))).toBe(asks);
  });

  test("throws for a flag that the command lacks, or of another kind", () => {
    const inv = invoke(["i", "c"]);
    expect(inv.has("boot")).toBe(false);
    expect(() => inv.bool("boot")).toThrow('"exec" has no flag "boot"');
    expect(() => inv.isSet("boot")).toThrow(TypeError);
    expect(() => inv.string("contain")).toThrow('flag "contain" is bool, not string');
  });
});

describe("properties", () => {
  const word = fc.string({ maxLength: 12 });

  test("words after the image come through unchanged, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (rest) => {
        expect(invoke(["-e", "image", ...rest]).args).toEqual(["image", ...rest]);
      }),
    );
  });

  test("a value of an array flag comes through unchanged in all four spellings", () => {
    fc.assert(
      fc.property(word, (value) => {
        const spellings = [[`--bind=${value}`], ["--bind", value], ["-B", value]];
        if (value !== "" && !value.startsWith("=")) spellings.push([`-B${value}`]);
        for (const words of spellings) {
          expect(invoke([...words, "i", "c"]).strings("bind")).toEqual([value]);
        }
      }),
    );
  });

  test("any words give an invocation, help or a UsageFault, never another error", () => {
    const bits = fc.oneof(
      word,
      fc.constantFrom(
        "-",
        "--",
        "-B",
        "-eC",
        "--env",
        "--contain",
        "--pids-limit=1",
        "-h",
        "=",
        "-o",
      ),
      word.map((text) => `--${text}`),
      word.map((text) => `-${text}`),
    );
    fc.assert(
      fc.property(fc.array(bits), (words) => {
        try {
          parse(words);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageFault);
        }
      }),
    );
  });
});
