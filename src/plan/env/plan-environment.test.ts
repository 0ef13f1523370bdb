import { describe, expect, test } from "bun:test";
import { MADE_UP_ENVIRONMENT, standardScripts } from "../../../test/support/made-up-environment.ts";
import type { EnvironmentInput } from "./environment-input.ts";
import type { DirectEnvironment, EnvironmentPlan } from "./environment-plan.ts";
import { planEnvironment } from "./plan-environment.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function plan(input: Partial<EnvironmentInput>): EnvironmentPlan {
  return planEnvironment({
    ...MADE_UP_ENVIRONMENT,
    cwd: "/site",
    scripts: standardScripts(),
    ...input,
  });
}

function direct(input: Partial<EnvironmentInput>): DirectEnvironment {
  const made = plan(input);
  if (made.kind !== "direct") throw new Error(made.reason);
  return made;
}

function values(input: Partial<EnvironmentInput>): Record<string, string> {
  return Object.fromEntries(direct(input).variables.map(({ name, value }) => [name, value]));
}

const origins = (input: Partial<EnvironmentInput>): Record<string, string> =>
  Object.fromEntries(direct(input).variables.map(({ name, origin }) => [name, origin]));

describe("planEnvironment()", () => {
  test("gives the runtime variables under both families of names, sorted", () => {
    const made = direct({
      bindDestinations: ["/a", "/b"],
      instance: "i",
      noEval: true,
      action: "run",
    });
    const names = made.variables.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(
      values({ bindDestinations: ["/a", "/b"], instance: "i", noEval: true, action: "run" }),
    ).toEqual({
      APPTAINER_APPNAME: "",
      APPTAINER_BIND: "/a,/b",
      APPTAINER_COMMAND: "run",
      APPTAINER_CONTAINER: "/images/x.sif",
      APPTAINER_ENVIRONMENT: "/.singularity.d/env/91-environment.sh",
      APPTAINER_INSTANCE: "i",
      APPTAINER_NAME: "x.sif",
      APPTAINER_NO_EVAL: "1",
      HOME: "/home/u",
      LD_LIBRARY_PATH: "/.singularity.d/libs",
      PATH,
      PROMPT_COMMAND: 'PS1="Apptainer> "; unset PROMPT_COMMAND',
      PS1: "Apptainer> ",
      PWD: "/site",
      SINGULARITY_BIND: "/a,/b",
      SINGULARITY_COMMAND: "run",
      SINGULARITY_CONTAINER: "/images/x.sif",
      SINGULARITY_ENVIRONMENT: "/.singularity.d/env/91-environment.sh",
      SINGULARITY_INSTANCE: "i",
      SINGULARITY_NAME: "x.sif",
      SINGULARITY_NO_EVAL: "1",
      USER_PATH: "/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin:/usr/local/sbin",
    });
  });

  test("tells where each variable comes from", () => {
    const found = origins({
      host: { H: "1", APPTAINERENV_I: "2", SINGULARITYENV_O: "3" },
      env: [{ name: "E", value: "4" }],
      envFiles: [{ path: "f", variables: [{ name: "F", value: "5" }] }],
      scripts: standardScripts({
        "90-environment.sh": "# c\n\nexport S=1\nif true; then\n  export T=2\nfi\n",
      }),
    });
    expect(found).toMatchObject({
      H: "host",
      I: "APPTAINERENV_I",
      O: "SINGULARITYENV_O",
      E: "--env on the command line",
      F: "--env-file f",
      S: "/.singularity.d/env/90-environment.sh:3",
      T: "/.singularity.d/env/90-environment.sh:5",
      PATH: "default PATH",
      APPTAINER_NAME: "runtime",
    });
  });

  test("prefers --env to --env-file to APPTAINERENV_ to SINGULARITYENV_, and says so", () => {
    const made = direct({
      host: {
        SINGULARITYENV_A: "1",
        SINGULARITYENV_B: "1",
        APPTAINERENV_B: "2",
        APPTAINERENV_C: "2",
        SINGULARITYENV_E: "1",
        APPTAINERENV_E: "1",
      },
      env: [{ name: "D", value: "4" }],
      envFiles: [
        {
          path: "f",
          variables: [
            { name: "C", value: "3" },
            { name: "D", value: "3" },
          ],
        },
        { path: "g", variables: [{ name: "C", value: "5" }] },
      ],
    });
    const found = Object.fromEntries(made.variables.map(({ name, value }) => [name, value]));
    expect(found).toMatchObject({ A: "1", B: "2", C: "5", D: "4", E: "1" });
    expect(made.notices).toEqual([
      { level: "warning", text: "Ignored environment file variable D: override from --env" },
      {
        level: "info",
        text: "Environment variable SINGULARITYENV_A is set, but APPTAINERENV_A is preferred",
      },
      {
        level: "warning",
        text: "SINGULARITYENV_B and APPTAINERENV_B have different values, using the latter",
      },
    ]);
  });

  test("refuses to inject HOME and the like, with a warning", () => {
    const made = direct({
      host: { SINGULARITYENV_HOME: "/x" },
      env: [
        { name: "APPTAINER_SHELL", value: "/x" },
        { name: "", value: "v" },
      ],
    });
    expect(made.variables.find(({ name }) => name === "HOME")?.value).toBe("/home/u");
    expect(made.notices.filter(({ level }) => level === "warning").map(({ text }) => text)).toEqual(
      [
        'Ignore environment variable "=v": variable name missing',
        "Overriding HOME environment variable with SINGULARITYENV_HOME is not permitted",
        "Overriding APPTAINER_SHELL environment variable with APPTAINERENV_APPTAINER_SHELL is not permitted",
      ],
    );
  });

  test("does not take over the host variables that --no-env names", () => {
    expect(values({ host: { A: "1", B: "2" }, noEnv: ["A"] })).toMatchObject({ B: "2" });
    expect(values({ host: { A: "1", B: "2" }, noEnv: ["A"] })["A"]).toBeUndefined();
    expect(values({ host: { A: "1", APPTAINERENV_A: "3" }, noEnv: ["A"] })["A"]).toBe("3");
  });

  test("extends LD_LIBRARY_PATH at both ends, after the directories of a glibc image", () => {
    const directories = { libraryDirectories: () => ["/lib64", "/usr/lib64"] };
    const path = (input: Partial<EnvironmentInput>): string | undefined =>
      values({ ...directories, ...input })["LD_LIBRARY_PATH"];
    expect(path({})).toBe("/.singularity.d/libs");
    expect(path({ librariesBound: true })).toBe("/lib64:/usr/lib64:/.singularity.d/libs");
    expect(path({ env: [{ name: "PREPEND_LD_LIBRARY_PATH", value: "/p" }] })).toBe(
      "/p:/lib64:/usr/lib64:/.singularity.d/libs",
    );
    expect(path({ env: [{ name: "APPEND_LD_LIBRARY_PATH", value: "/a" }] })).toBe(
      "/lib64:/usr/lib64:/.singularity.d/libs:/a",
    );
    expect(path({ librariesBound: true, env: [{ name: "LD_LIBRARY_PATH", value: "/x" }] })).toBe(
      "/x:/.singularity.d/libs",
    );
    expect(path({ librariesBound: true, libraryDirectories: () => [] })).toBe(
      "/.singularity.d/libs",
    );
    expect(
      path({
        scripts: standardScripts({
          "90-environment.sh": "export LD_LIBRARY_PATH=/i PREPEND_LD_LIBRARY_PATH=/p",
        }),
      }),
    ).toBe("/p:/i:/.singularity.d/libs");
  });

  test("asks for library directories only when they matter", () => {
    const asked = (): never => {
      throw new Error("asked");
    };
    expect(values({ libraryDirectories: asked })["LD_LIBRARY_PATH"]).toBe("/.singularity.d/libs");
  });

  test("takes a value that cannot be evaluated literally, with a warning", () => {
    for (const value of ["ends\\", "open $(", 'a\\"b', "$(echo", "`x"]) {
      const made = direct({
        env: [
          { name: "A", value },
          { name: "B", value: "2" },
        ],
      });
      const found = Object.fromEntries(
        made.variables.map((variable) => [variable.name, variable.value]),
      );
      expect(found).toMatchObject({ A: value, B: "2" });
      expect(made.notices).toHaveLength(1);
      expect(made.notices[0]?.level).toBe("warning");
    }
  });

  test("lets injected values refer to those before them", () => {
    expect(
      values({
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "$A$HOME" },
          { name: "C", value: "<$B>" },
        ],
      }),
    ).toMatchObject({ B: "1/home/u", C: "<1/home/u>" });
  });

  test("reports a syntax error and goes on with the next file", () => {
    const made = direct({
      scripts: standardScripts({
        "50-a.sh": "export A=1\nfi\nexport A=2\n",
        "60-b.sh": "export B=$A",
      }),
    });
    expect(made.variables.find(({ name }) => name === "B")?.value).toBe("1");
    expect(made.output).toEqual([
      {
        stream: 2,
        text: "/.singularity.d/env/50-a.sh:2: syntax error near unexpected token `fi'\n",
      },
    ]);
  });

  test("ends the launch when a script exits, with what it printed", () => {
    const made = direct({
      scripts: standardScripts({
        "50-a.sh": "echo bye; echo no >&2; exit 3",
        "60-b.sh": "echo never",
      }),
    });
    expect(made.exit).toBe(3);
    expect(made.output).toEqual([
      { stream: 1, text: "bye\n" },
      { stream: 2, text: "no\n" },
    ]);
  });

  test("hands on umask and changed arguments", () => {
    const made = direct({
      scripts: standardScripts({ "50-a.sh": 'umask 027; set -- wrapper "$@"' }),
      arguments: ["cmd", "a b"],
    });
    expect(made.umask).toBe(0o027);
    expect(made.arguments).toEqual(["wrapper", "cmd", "a b"]);
    expect(direct({}).umask).toBeUndefined();
    expect(direct({}).arguments).toBeUndefined();
  });

  test("keeps name, container and instance whatever scripts do, but not against the user", () => {
    const scripts = standardScripts({
      "50-a.sh": "export APPTAINER_NAME=no SINGULARITY_CONTAINER=; unset APPTAINER_CONTAINER",
    });
    expect(values({ scripts })).toMatchObject({
      APPTAINER_NAME: "x.sif",
      SINGULARITY_CONTAINER: "/images/x.sif",
      APPTAINER_CONTAINER: "/images/x.sif",
    });
    expect(
      values({ scripts, env: [{ name: "APPTAINER_NAME", value: "mine" }] })["APPTAINER_NAME"],
    ).toBe("mine");
  });

  test("injects where 99-base.sh would stand in an image without it", () => {
    const scripts = [
      { path: "/.singularity.d/env/90-environment.sh", text: "export A=image" },
      { path: "/.singularity.d/env/99-x.sh", text: "export B=$A" },
    ];
    expect(values({ scripts, env: [{ name: "A", value: "mine" }] })).toMatchObject({
      A: "mine",
      B: "mine",
    });
    expect(values({ scripts: scripts.slice(0, 1), env: [{ name: "A", value: "mine" }] })["A"]).toBe(
      "mine",
    );
  });

  test("sources /environment of images that have no folder of scripts", () => {
    const found = values({
      scripts: undefined,
      oldEnvironment: { path: "/environment", text: "PATH=/old:/bin\nexport PATH A=1\n" },
    });
    expect(found).toMatchObject({
      A: "1",
      PATH: "/old:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin",
    });
  });

  test("skips hidden files and the image's own 99-runtimevars.sh", () => {
    const scripts = standardScripts({
      ".50-hidden.sh": "export HIDDEN=1",
      "99-runtimevars.sh": "export RUNTIME=1; exit 9",
    });
    const found = values({ scripts, env: [{ name: "APPEND_PATH", value: "/end" }] });
    expect(found["HIDDEN"]).toBeUndefined();
    expect(found["RUNTIME"]).toBeUndefined();
    expect(found["PATH"]).toBe(`${PATH}:/end`);
  });

  test("names the construct and the place when a shell is needed, and predicts the rest", () => {
    const made = plan({
      host: { H: "1" },
      scripts: standardScripts({
        "50-a.sh": "# x\nexport A=1\nexport N=$(nproc)\nexport Z=1\n",
        "60-b.sh": "export B=2\n",
      }),
    });
    if (made.kind !== "shell") throw new Error("direct");
    expect(made.reason).toBe('/.singularity.d/env/50-a.sh:3: runs "nproc"');
    const predicted = Object.fromEntries(made.predicted.map(({ name, value }) => [name, value]));
    expect(predicted).toMatchObject({ A: "1", B: "2", H: "1", PATH });
  });

  test("keeps every word of the driver below the kernel's limit, and the values whole", () => {
    const big = "é\"$x'\\\n".repeat(18_000);
    const made = plan({
      host: { BIG: big },
      scripts: standardScripts({ "50-a.sh": "nproc" }),
      noEval: true,
      env: [{ name: "B", value: big }],
    });
    if (made.kind !== "shell") throw new Error("direct");
    for (const word of made.argv)
      expect(new TextEncoder().encode(word).length).toBeLessThan(131_072);
    expect(made.argv.join("").split(big)).toHaveLength(3);
  });

  test("needs no shell for scripts that would need one in a branch that is not taken", () => {
    const text =
      'if [ -n "${NOPE:-}" ]; then\n  module load x\nelse\n  export A=1\nfi\ncase $- in *i*) stty -echo ;; esac\n';
    expect(
      plan({ scripts: standardScripts({ "50-a.sh": text.replace(/case.*\n/, "") }) }).kind,
    ).toBe("direct");
    expect(plan({ scripts: standardScripts({ "50-a.sh": text }) }).kind).toBe("shell");
  });

  test("evaluates the forms that older builders wrote", () => {
    const scripts = [
      { path: "/.singularity.d/env/01-base.sh", text: "#!/bin/sh\n# words\n#\n" },
      {
        path: "/.singularity.d/env/10-docker.sh",
        text: 'export PATH="/opt/conda/bin:/usr/bin"\nexport LANG="C.UTF-8"\nexport X="a \\"b\\" \\$c"\n',
      },
      {
        path: "/.singularity.d/env/90-environment.sh",
        text: "#!/bin/sh\n# Custom environment shell code should follow\n\n",
      },
      {
        path: "/.singularity.d/env/95-apps.sh",
        text: 'if test -n "${SINGULARITY_APPNAME:-}"; then\n\n    # The active app\n    export SINGULARITY_APPNAME\n\n    if test -d "/scif/apps/${SINGULARITY_APPNAME:-}/"; then\n        SCIF_APPS="/scif/apps"\n        . "/scif/x" "$@"\n    else\n        echo "no app"\n        exit 1\n    fi\nfi\n',
      },
      {
        path: "/.singularity.d/env/99-base.sh",
        text: 'if [ -z "$LD_LIBRARY_PATH" ]; then\n    LD_LIBRARY_PATH="/.singularity.d/libs"\nelse\n    LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/.singularity.d/libs"\nfi\n\nPS1="Singularity $SINGULARITY_NAME:\\\\w> "\nexport LD_LIBRARY_PATH PS1\n',
      },
    ];
    expect(values({ scripts })).toMatchObject({
      PATH: "/opt/conda/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin",
      LANG: "C.UTF-8",
      X: 'a "b" $c',
      LD_LIBRARY_PATH: "/.singularity.d/libs",
      PS1: "Singularity x.sif:\\w> ",
    });
  });
});
