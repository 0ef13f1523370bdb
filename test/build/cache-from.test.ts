import { beforeAll, describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { noRegistry, startRegistry } from "../registry/local-registry.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Steps whose result is in an image that was built elsewhere.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"), noTool("busybox"));
const testBuild = (name: string, body: () => Promise<void>, reason = lack): void =>
  testUnless(reason)(name, body, 60_000);

const POST = `%post
    echo one > /one
    echo "Made in-post" >> $APPTAINER_LABELS
    echo 'export P=1' >> $APPTAINER_ENVIRONMENT
    # skiff: step second
    /bin/busybox mkdir /d
    /bin/busybox ln -s nowhere /d/link
    echo two > /d/two
`;
const END = "%labels\n    A b\n%runscript\n    echo hi\n";

beforeAll(() => {
  copyFileSync("/bin/busybox", `${dir}/busybox`);
});

interface Place {
  readonly path: string;
  write(file: string, sections: string): void;
  /** Builds with an empty cache of that name. */
  build(cache: string, ...args: readonly string[]): Promise<Finished>;
}

function place(name: string): Place {
  const path = `${dir}/${name}`;
  mkdirSync(path, { recursive: true });
  return {
    path,
    write: (file, sections) =>
      writeDefinition(path, file, `%files\n    ${dir}/busybox /bin/busybox\n${sections}`),
    async build(cache, ...args) {
      await run(["chown", "-R", "--reference", dir, path], { as: "self" });
      return await skiff(["build", "--force", ...args], {
        cwd: path,
        extraEnv: { SKIFF_CACHEDIR: `${path}/${cache}` },
      });
    },
  };
}

function steps(built: Finished): readonly string[] {
  const lines = built.stderr.matchAll(/\] (.*): ((?:hit|miss|run)(?:[:,] .*)?)$/gm);
  return Array.from(lines, ([, title = "", what = ""]) => `${title} ${what}`);
}

const ALL_HITS = [
  "base scratch hit, from a.sif",
  "%files hit, from a.sif",
  "%post 1 of 2 hit, from a.sif",
  "%post 2 of 2 (second) hit, from a.sif",
];

describe("--cache-from", () => {
  for (const rung of [[], ["--ignore-subuid"]]) {
    testBuild(
      `makes the bytes of a build that carried everything out${rung.length > 0 ? ", with one id too" : ""}`,
      async () => {
        const at = place(`same${rung.join("")}`);
        at.write("a.def", POST + END);
        at.write("b.def", POST + END.replace("A b", "C d").replace("hi", "ho"));
        expect((await at.build("one", ...rung, "a.sif", "a.def")).code).toBe(0);
        const built = await at.build("two", ...rung, "--cache-from", "a.sif", "b.sif", "b.def");
        expect(steps(built)).toEqual(ALL_HITS);
        expect(built.stderr).not.toContain("+ echo");
        await at.build("three", ...rung, "c.sif", "b.def");
        const [b, c] = ["b", "c"].map((name) => readFileSync(`${at.path}/${name}.sif`));
        expect(b?.equals(c ?? Buffer.of())).toBe(true);
      },
    );
  }

  testBuild(
    "goes on with further steps, and names what changed in one that is not there",
    async () => {
      const at = place("further");
      at.write("a.def", POST + END);
      await at.build("one", "a.sif", "a.def");
      at.write("c.def", POST.replace("two > ", "2 > ") + END);
      const changed = await at.build("three", "--cache-from", "a.sif", "c.sif", "c.def");
      expect(steps(changed)[0]).toBe(
        "base scratch miss: a.sif has it with other steps on top only",
      );
      expect(steps(changed)).toContain(
        "%post 2 of 2 (second) miss: compared with a.sif: text changed",
      );
      expect(changed.stderr).toContain("+ echo one");
    },
  );

  testBuild("uses no altered image, and what it takes stays out of other builds", async () => {
    const at = place("altered");
    at.write("a.def", POST + END);
    await at.build("one", "a.sif", "a.def");
    const taken = await at.build("two", "--cache-from", "a.sif", "b.sif", "a.def");
    expect(steps(taken)).toEqual(ALL_HITS);
    const without = await at.build("two", "c.sif", "a.def");
    expect(steps(without).every((line) => line.includes(" miss: "))).toBe(true);

    const bytes = readFileSync(`${at.path}/a.sif`);
    const offset = bytes.indexOf("hsqs", 4096);
    bytes.writeUInt8((bytes[offset + 200] ?? 0) ^ 1, offset + 200);
    writeFileSync(`${at.path}/a.sif`, bytes);
    const altered = await at.build("three", "--cache-from", "a.sif,gone.sif", "d.sif", "a.def");
    expect(altered.code).toBe(0);
    expect(altered.stderr).toContain(
      "No steps are taken from a.sif: its root was altered after it was built",
    );
    expect(altered.stderr).toMatch(/No steps are taken from gone\.sif: .*no such file/);
    const [c, d] = ["c", "d"].map((name) => readFileSync(`${at.path}/${name}.sif`));
    expect(d?.equals(c ?? Buffer.of())).toBe(true);
  });

  testBuild("builds no earlier stage when the last one is there", async () => {
    const at = place("stages");
    const file = (label: string): string =>
      `FROM scratch AS one\nCOPY static-shell /bin/sh\nRUN echo made > /made\nFROM scratch AS two\nCOPY static-shell /bin/sh\nCOPY --from=one /made /from\nRUN --mount=from=one,source=/made,target=/m : < /m\nLABEL a=${label}\n`;
    writeDefinition(at.path, "unused.def", "");
    writeFileSync(`${at.path}/Dockerfile`, file("b"));
    expect((await at.build("one", "a.sif", "Dockerfile")).code).toBe(0);
    writeFileSync(`${at.path}/Dockerfile`, file("c"));
    const built = await at.build("two", "--cache-from", "a.sif", "b.sif", "Dockerfile");
    expect(steps(built)).toEqual([
      "FROM scratch hit, from a.sif",
      "COPY static-shell /bin/sh hit, from a.sif",
      "COPY --from=one /made /from hit, from a.sif",
      "RUN --mount=from=one,source=/made,target=/m : < /m hit, from a.sif",
    ]);
    await at.build("three", "c.sif", "Dockerfile");
    const [b, c] = ["b", "c"].map((name) => readFileSync(`${at.path}/${name}.sif`));
    expect(b?.equals(c ?? Buffer.of())).toBe(true);

    const definition = (end: string): string =>
      `${POST}\nBootstrap: scratch\nStage: two\n%files from main\n    /bin/sh /bin/sh\n    /d /d\n${end}`;
    at.write("a.def", definition(END).replace("%post", "%post\n"));
    const stageOf = readFileSync(`${at.path}/a.def`, "utf8").replace(
      "scratch\n",
      "scratch\nStage: main\n",
    );
    writeFileSync(`${at.path}/a.def`, stageOf);
    expect((await at.build("one", "a.sif", "a.def")).code).toBe(0);
    writeFileSync(`${at.path}/a.def`, stageOf.replace("echo hi", "echo ho"));
    const last = await at.build("four", "--cache-from", "a.sif", "b.sif", "a.def");
    expect(steps(last)).toEqual([
      "base scratch hit, from a.sif",
      "%files from main hit, from a.sif",
    ]);
    writeFileSync(`${at.path}/a.def`, stageOf.replace("echo one", "echo 1"));
    const other = await at.build("five", "--cache-from", "a.sif", "b.sif", "a.def");
    expect(other.stderr).toContain("+ echo 1");
    expect(other.code).toBe(0);
  });

  testBuild("writes nothing where the record of a hostile image leads", async () => {
    const at = place("hostile");
    at.write("a.def", POST + END);
    await at.build("one", "a.sif", "a.def");
    const bytes = readFileSync(`${at.path}/a.sif`).toString("latin1");
    const path = '"path":"/.singularity.d/runscript"';
    expect(bytes).toContain(path);
    const elsewhere = path.replace("/.singularity.d/", "/../../../../..").slice(0, -1);
    const changed = bytes.replaceAll(path, `${elsewhere}"`.padEnd(path.length, " "));
    expect(changed.length).toBe(bytes.length);
    writeFileSync(`${at.path}/a.sif`, Buffer.from(changed, "latin1"));
    const built = await at.build("two", "--cache-from", "a.sif", "b.sif", "a.def");
    expect(built.stderr).toMatch(/No steps are taken from a\.sif: the note of .* does not stay/);
    expect(built.stderr).toContain("+ echo one");
    expect(built.code).toBe(0);
  });

  testBuild(
    "takes them from a registry, for a Dockerfile too",
    async () => {
      const at = place("registry");
      const registry = await startRegistry({ folder: at.path });
      try {
        writeDefinition(at.path, "unused.def", "");
        const file = "FROM scratch\nCOPY static-shell /bin/sh\nRUN echo made > /made\n";
        writeFileSync(`${at.path}/Dockerfile`, file);
        expect((await at.build("one", "a.sif", "Dockerfile")).code).toBe(0);
        const address = `oras://${registry.host}/cache/a:1`;
        expect((await skiff(["push", "a.sif", address], { cwd: at.path })).code).toBe(0);
        writeFileSync(`${at.path}/Dockerfile`, `${file}RUN echo more > /more\nLABEL a=b\n`);
        const built = await at.build("two", "--cache-from", address, "b.sif", "Dockerfile");
        expect(built.stderr).toContain(`RUN echo made > /made: hit, from ${address}`);
        expect(steps(built).at(-1)).toStartWith("RUN echo more > /more miss");
        await at.build("three", "c.sif", "Dockerfile");
        const [b, c] = ["b", "c"].map((name) => readFileSync(`${at.path}/${name}.sif`));
        expect(b?.equals(c ?? Buffer.of())).toBe(true);
      } finally {
        await registry.stop();
      }
    },
    firstReason(lack, noRegistry()),
  );

  testBuild("and flags that keep nothing are refused together", async () => {
    const at = place("refused");
    at.write("a.def", POST);
    const both = await at.build("one", "--no-cache", "--cache-from", "x.sif", "b.sif", "a.def");
    expect([both.code, both.stderr]).toEqual([
      255,
      expect.stringContaining("--cache-from and --no-cache exclude each other"),
    ]);
  });
});
