import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type ModuleImport, moduleImports } from "./support/module-imports.ts";
import { sourceWords } from "./support/source-words.ts";
import { treeRoot } from "./support/tree.ts";

/**
 * Who may import whom, by folder of src/. Only commands hold the terminal. "plan: type" allows
 * types of plan/ and nothing that runs.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ops: ["base"],
  format: ["base"],
  cli: ["base"],
  plan: ["base", "ops"],
  host: ["base", "format", "plan: type"],
  config: ["base", "format", "plan: type"],
  image: ["base", "format", "plan: type"],
  trust: ["base", "format", "plan: type"],
  terminal: ["base", "format", "plan: type"],
  runtime: ["base", "ops", "format", "cli", "plan", "host", "config", "image", "trust"],
  registry: ["base", "format", "cli", "plan", "host", "config", "image", "trust"],
  build: [
    ...["base", "ops", "format", "cli", "plan", "host", "config", "image", "trust"],
    ...["runtime", "registry"],
  ],
};
const BELOW_COMMANDS = [...Object.keys(MAY_IMPORT)];
const TOP = ["commands", "library", "cri", "slurm"];
const PURE = ["base", "ops", "cli", "plan", "format"];

interface Module {
  /** Path below src/. */
  readonly path: string;
  readonly code: string;
  readonly imports: readonly ModuleImport[];
}

const src = join(treeRoot, "src");
const modules: readonly Module[] = [...new Bun.Glob("**/*.ts").scanSync(src)]
  .filter((path) => !path.endsWith(".test.ts"))
  .sort()
  .map((path) => {
    const code = readFileSync(join(src, path), "utf8");
    return { path, code, imports: moduleImports(code) };
  });

const folderOf = (path: string): string => (path.includes("/") ? (path.split("/")[0] ?? "") : "");
const where = (module: Module, line: number): string => `src/${module.path}:${line}`;

/** Path below src/ that a relative specifier leads to; undefined for packages and what is outside. */
function target(module: Module, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const path = relative(src, join(src, dirname(module.path), specifier));
  return path.startsWith("..") ? undefined : path;
}

/** Every import inside src/, with what it leads to. */
function* edges(): Generator<{ from: Module; to: string; how: ModuleImport }> {
  for (const from of modules) {
    for (const how of from.imports) {
      const to = target(from, how.from);
      if (to !== undefined) yield { from, to, how };
    }
  }
}

test("every folder of src/ has its floor", () => {
  const known = new Set(["", ...BELOW_COMMANDS, ...TOP]);
  expect(modules.map((m) => folderOf(m.path)).filter((f) => !known.has(f))).toEqual([]);
  const loose = modules.map((m) => m.path).filter((path) => !path.includes("/"));
  expect(loose.filter((path) => path !== "main.ts" && !path.startsWith("_"))).toEqual([]);
});

test("imports lead to lower floors or into their own folder", () => {
  const wrong: string[] = [];
  for (const { from, to, how } of edges()) {
    const [upper, lower] = [folderOf(from.path), folderOf(to)];
    if (upper === lower || upper === "") continue;
    const allowed = TOP.includes(upper) ? BELOW_COMMANDS : (MAY_IMPORT[upper] ?? []);
    if (allowed.includes(lower)) continue;
    if (how.kind === "type" && allowed.includes(`${lower}: type`)) continue;
    const only = allowed.includes(`${lower}: type`) ? " but as a type" : "";
    wrong.push(`${where(from, how.line)}: ${upper} may not import ${to}${only}`);
  }
  expect(wrong).toEqual([]);
});

test("a file _x.ts is imported from its own folder only", () => {
  const wrong = [...edges()]
    .filter(({ from, to }) => basename(to).startsWith("_") && dirname(to) !== dirname(from.path))
    .map(({ from, to, how }) => `${where(from, how.line)}: ${to} is private to its folder`);
  expect(wrong).toEqual([]);
});

test("commands never import one another", () => {
  const unit = (path: string): string => (path.split("/")[1] ?? "").replace(/\.ts$/, "");
  const wrong = [...edges()]
    .filter(({ from, to }) => folderOf(from.path) === "commands" && folderOf(to) === "commands")
    .filter(({ from, to }) => !unit(to).startsWith("_") && unit(to) !== unit(from.path))
    .map(({ from, to, how }) => `${where(from, how.line)}: imports the command ${to}`);
  expect(wrong).toEqual([]);
});

test("main.ts and its private files load commands lazily", () => {
  const wrong = [...edges()]
    .filter(
      ({ from, to, how }) =>
        folderOf(from.path) === "" && how.kind === "static" && TOP.includes(folderOf(to)),
    )
    .map(({ from, to, how }) => `${where(from, how.line)}: imports ${to} at start`);
  expect(wrong).toEqual([]);
});

test("nothing in src/ imports tests, bench or scripts, and lazy imports name their module", () => {
  const wrong: string[] = [];
  for (const module of modules) {
    for (const how of module.imports) {
      const outside = relative(treeRoot, join(src, dirname(module.path), how.from));
      if (how.from === "") wrong.push(`${where(module, how.line)}: import() of a computed name`);
      else if (how.from.startsWith(".") && /^(test|bench|scripts)\//.test(outside)) {
        wrong.push(`${where(module, how.line)}: imports ${outside}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

describe("the pure folders", () => {
  const pure = modules.filter((m) => PURE.includes(folderOf(m.path)));

  test("import neither packages nor platform modules", () => {
    const wrong = pure.flatMap((module) =>
      module.imports
        .filter((how) => how.from !== "" && target(module, how.from) === undefined)
        .map((how) => `${where(module, how.line)}: imports ${how.from}`),
    );
    expect(wrong).toEqual([]);
  });

  test("name no platform, clock or randomness", () => {
    const forbidden = new Set(
      (
        "Bun process fetch performance setTimeout setInterval setImmediate console globalThis require " +
        "crypto Deno navigator WebSocket Worker"
      ).split(" "),
    );
    const wrong: string[] = [];
    for (const module of pure) {
      const words = sourceWords(module.code);
      // A variable of the module's own may have such a name.
      const isOwn = (name: string): boolean =>
        words.some(
          ({ text }, at) =>
            text === name && /^(const|let|function)$/.test(words[at - 1]?.text ?? ""),
        );
      words.forEach((word, at) => {
        const [next, afterNext, third] = words.slice(at + 1, at + 4).map((w) => w.text);
        if (word.kind !== "name" || words[at - 1]?.text === ".") return;
        // `{ process: 1 }` and `process?: number` are names of members.
        const isMember = next === ":" || (next === "?" && afterNext === ":") || next === "-";
        const isClock =
          (word.text === "Date" && next === "." && afterNext === "now") ||
          (word.text === "Date" && next === "(" && afterNext === ")") ||
          (word.text === "Math" && next === "." && afterNext === "random");
        if (isClock || (forbidden.has(word.text) && !isMember && !isOwn(word.text))) {
          wrong.push(`${where(module, word.line)}: ${word.text} ${next} ${afterNext} ${third}`);
        }
      });
    }
    expect(wrong).toEqual([]);
  });
});

describe("the launch path", () => {
  const byPath = new Map(modules.map((m) => [m.path, m]));
  const starts = ["main.ts", "commands/exec.ts", "commands/run.ts", "commands/shell.ts"];

  /** Modules that a launch loads, each with the chain of imports that leads to it. */
  function closure(): ReadonlyMap<string, readonly string[]> {
    const chains = new Map<string, readonly string[]>();
    const queue = starts.filter((path) => byPath.has(path)).map((path) => [path]);
    for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
      const path = chain.at(-1) ?? "";
      const module = byPath.get(path);
      if (module === undefined || chains.has(path)) continue;
      chains.set(path, chain);
      for (const how of module.imports) {
        const to = how.kind === "static" ? target(module, how.from) : undefined;
        if (to !== undefined) queue.push([...chain, to]);
      }
    }
    return chains;
  }

  test("begins in src/main.ts and src/commands/exec.ts", () => {
    expect(["main.ts", "commands/exec.ts"].filter((path) => !byPath.has(path))).toEqual([]);
  });

  test("imports nothing but its own modules, bun: modules and embedded files", () => {
    const wrong: string[] = [];
    for (const [path, chain] of closure()) {
      const module = byPath.get(path);
      if (module === undefined) continue;
      for (const how of module.imports) {
        if (how.kind !== "static" || how.attribute === "file") continue;
        if (target(module, how.from) !== undefined) continue;
        if (how.from.startsWith("bun:") || how.from === "bun") continue;
        wrong.push(`${where(module, how.line)}: ${how.from}, loaded by ${chain.join(" > ")}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("names no stream of process: each costs milliseconds", () => {
    const wrong: string[] = [];
    for (const [path, chain] of closure()) {
      const module = byPath.get(path);
      if (module === undefined) continue;
      const words = sourceWords(module.code);
      words.forEach((word, at) => {
        const [dot, member] = [words[at + 1]?.text, words[at + 2]?.text ?? ""];
        if (word.text === "process" && dot === "." && /^std(in|out|err)$/.test(member)) {
          wrong.push(`${where(module, word.line)}: process.${member}, by ${chain.join(" > ")}`);
        }
      });
    }
    expect(wrong).toEqual([]);
  });
});

test("the folders of the import rule are those that tsconfig.pure.json compiles without a platform", () => {
  const config: { include: string[] } = JSON.parse(
    readFileSync(join(treeRoot, "tsconfig.pure.json"), "utf8"),
  );
  expect([...config.include].sort()).toEqual(PURE.map((folder) => `src/${folder}`).sort());
  expect(PURE.filter((folder) => !existsSync(join(src, folder)))).toEqual([]);
});
