import { beforeAll, describe, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Finished, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { skiffPath } from "../support/tree.ts";

const bin = scratch("self");
const NAMES = ["skiff", "apptainer", "singularity", "run-singularity", "other"];

beforeAll(() => {
  for (const name of NAMES) symlinkSync(skiffPath, `${bin}/${name}`);
});

function call(words: readonly string[], extraEnv: Record<string, string> = {}): Promise<Finished> {
  const [name = "", ...rest] = words;
  return run([`${bin}/${name}`, ...rest], { as: "self", extraEnv, cwd: "/" });
}

/** Runs a line of bash with the names in PATH. */
function shell(line: string): Promise<Finished> {
  return run(["/bin/bash", "-c", `PATH=${bin}:$PATH; ${line}`], { as: "self", cwd: "/" });
}

describe("the name that the program is called by", () => {
  test.each([
    [["skiff", "--version"], "skiff version 0.1.0\n"],
    [["other", "--version"], "skiff version 0.1.0\n"],
    [["apptainer", "--version"], "apptainer version 1.5.3\n"],
    [["singularity", "--version"], "singularity version 3.11.5\n"],
    [["singularity", "-q", "--version", "exec"], "singularity version 3.11.5\n"],
    [["apptainer", "version"], "1.5.3\n"],
    [["singularity", "version", "word"], "3.11.5\n"],
  ])("decides what %j prints", async (words, stdout) => {
    expect(await call(words)).toEqual({ code: 0, stdout, stderr: "" });
  });

  test.each(["skiff", "apptainer", "singularity"])(
    "is no secret of %s version --json",
    async (name) => {
      const { stdout } = await call([name, "version", "--json"]);
      expect(JSON.parse(stdout)).toEqual({ name: "skiff", version: "0.1.0", calledAs: name });
    },
  );

  test("is found in messages", async () => {
    const { stdout, stderr } = await call(["apptainer", "bogus"]);
    expect(stderr).toStartWith('Error: unknown command "bogus" for "apptainer"\n');
    expect(stdout).toStartWith("Usage:\n  apptainer [global options...] <command>\n");
  });

  test("run-singularity runs its first word", async () => {
    const { code, stderr } = await call(["run-singularity", "/nonexistent.sif", "--version"]);
    expect(code).toBe(255);
    expect(stderr).toMatch(/^FATAL: {3}.*\/nonexistent\.sif/);
    expect((await call(["run-singularity"])).stderr).toStartWith(
      'Error for command "run": requires at least 1',
    );
  });
});

describe("a wrong command line ends with status 1: the reason on standard error, help on standard output", () => {
  test.each([
    [["--bogus"], 'Error for command "skiff": unknown flag: --bogus', "Options for skiff command:"],
    [
      ["exec", "--bogus"],
      'Error for command "exec": unknown flag: --bogus',
      "Options for exec command:",
    ],
    [
      ["exec", "x"],
      'Error for command "exec": requires at least 2 arg(s), only received 1',
      "Usage:",
    ],
    [["key", "bogus"], 'Error for command "key": invalid command', "Usage:"],
    [["sif", "header", "/nonexistent"], 'Error for command "header": ', "Usage:"],
    [["bogus"], 'Error: unknown command "bogus" for "skiff"', "Usage:"],
    [[], "", "Usage:"],
  ])("%j", async (words, reason, help) => {
    const { code, stdout, stderr } = await call(["skiff", ...words]);
    expect(code).toBe(1);
    expect(stderr).toStartWith(reason);
    expect(stdout).toStartWith(help);
  });

  test("a mistyped command brings a suggestion", async () => {
    expect((await call(["skiff", "exce"])).stderr).toContain("\nDid you mean this?\n\texec\n");
  });
});

describe("help is wanted", () => {
  test.each([
    [["--help"], "Run container images"],
    [["-h"], "Run container images"],
    [["help"], "Run container images"],
    [["help", "exec"], "Run a command in a container"],
    [["exec", "--help"], "Run a command in a container"],
    [["help", "instance", "start"], "Start an instance"],
    [["instance", "start", "-h"], "Start an instance"],
    [["help", "exec", "bogus"], "Run a command in a container"],
    [["help", "bogus"], "Unknown help topic [`bogus`]\nUsage:"],
    [["sif"], "Look into SIF files"],
  ])("%j prints it and ends with status 0", async (words, start) => {
    const { code, stdout, stderr } = await call(["skiff", ...words]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith(start);
  });
});

describe("failures of a command end with status 255 and one line", () => {
  test("a command that this version lacks", async () => {
    expect(await call(["skiff", "plugin", "enable", "x"])).toEqual({
      code: 255,
      stdout: "",
      stderr:
        'FATAL:   "skiff plugin enable" is not available in this version; plugins of the reference tool are compiled against its own sources\n',
    });
  });

  test("a command that this version lacks, in the name that it was called by", async () => {
    const { code, stderr } = await call(["singularity", "plugin", "enable", "x"]);
    expect(code).toBe(255);
    expect(stderr).toBe(
      'FATAL:   "singularity plugin enable" is not available in this version; plugins of the reference tool are compiled against its own sources\n',
    );
  });

  test("a variable that holds no value of its flag", async () => {
    const { code, stderr } = await call(["skiff", "exec", "x", "y"], { APPTAINER_CONTAIN: "yes" });
    expect(code).toBe(255);
    expect(stderr).toBe(
      'FATAL:   Cannot set flag --contain from APPTAINER_CONTAIN: "yes" is neither true nor false; correct or unset APPTAINER_CONTAIN\n',
    );
  });

  test("-s hides warnings but no error", async () => {
    const { stderr } = await call(["skiff", "-s", "pull", "--nohttps", "oci:x"]);
    expect(stderr).toStartWith("FATAL:   ");
    const loud = await call(["skiff", "-q", "pull", "--nohttps", "oci:x"]);
    expect(loud.stderr).toStartWith(
      "WARNING: Flag --nohttps has been deprecated, use --no-https\nFATAL:",
    );
  });

  test("-q hides what is only news", async () => {
    const env = { SINGULARITY_BIND: "/tmp" };
    const news =
      "INFO:    Environment variable SINGULARITY_BIND is set, but APPTAINER_BIND is preferred\n";
    const words = ["build", "/nonexistent/a", "/nonexistent/b"];
    expect((await call(["skiff", ...words], env)).stderr).toStartWith(news);
    expect((await call(["apptainer", ...words], env)).stderr).toStartWith(news);
    expect((await call(["singularity", ...words], env)).stderr).toStartWith("FATAL:");
    expect((await call(["skiff", "-q", ...words], env)).stderr).toStartWith("FATAL:");
    expect((await call(["skiff", ...words], { ...env, SKIFF_QUIET: "1" })).stderr).toStartWith(
      "FATAL:",
    );
  });
});

describe("the surroundings", () => {
  test("may be empty", async () => {
    const { code, stdout } = await run([`${bin}/skiff`, "version"], {
      as: "self",
      env: {},
      cwd: "/",
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "0.1.0\n" });
  });

  test("may hold words that are not UTF-8, which come through byte by byte", async () => {
    const { stdout } = await shell(`skiff help $'a\\xffb\\xe9' | head -n 1 | od -An -tx1`);
    const bytes = [...new TextEncoder().encode("Unknown help topic [`"), 0x61, 0xff, 0x62, 0xe9];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    expect(stdout.replaceAll(/\s+/g, " ").trim()).toStartWith(hex);
  });

  test("may close the output early", async () => {
    const { stdout, stderr } = await shell("skiff help exec | head -n 1; echo ${PIPESTATUS[0]}");
    expect(stdout).toBe("Run a command in a container\n0\n");
    expect(stderr).toBe("");
  });

  test("may have no output at all, but a full one is a failure", async () => {
    expect((await shell("skiff version >&-; echo $?")).stdout).toBe("0\n");
    const { stdout, stderr } = await shell("skiff help exec >/dev/full; echo $?");
    expect(stdout).toBe("255\n");
    expect(stderr).toBe("FATAL:   Cannot write to standard output: no space left on device\n");
  });

  test("colour messages on a terminal only, and not with --nocolor", async () => {
    const { stdout } = await shell(
      `script -qec "skiff plugin enable x; skiff --nocolor plugin enable x" /dev/null </dev/null`,
    );
    expect(stdout).toContain("\x1b[31mFATAL:  \x1b[0m ");
    expect(stdout).toContain("\nFATAL:   ");
  });
});

test("buildcfg tells where things are, and refuses unknown names", async () => {
  expect((await call(["apptainer", "buildcfg", "APPTAINER_CONFDIR"])).stdout).toMatch(/^\/.*\n$/);
  const { code, stderr } = await call(["skiff", "buildcfg", "XX"]);
  expect(code).toBe(1);
  expect(stderr).toStartWith('Error for command "buildcfg": no variable named "XX"\n');
});

test("buildcfg names the configuration file in force, which callers read", async () => {
  const conf = `${scratch()}/site.conf`;
  writeFileSync(conf, "bind path = /etc/hosts\n");
  const { stdout } = await call(["singularity", "--config", conf, "buildcfg"]);
  expect(stdout).toContain(
    `\nSINGULARITY_CONFDIR=${dirname(conf)}\nSINGULARITY_CONF_FILE=${conf}\n`,
  );
});
