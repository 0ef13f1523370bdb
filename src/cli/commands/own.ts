import type { CommandSpec, FlagSpec } from "../spec.ts";
import { COMMANDS as ACTIONS } from "./actions.ts";

const JSON_FLAG: FlagSpec = { name: "json", kind: "bool", help: "as JSON" };

/** explain, doctor, def, export: what no other tool of this kind has. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "explain",
    summary: "Show what a launch would do, without doing it",
    description: [
      "Takes the command line of exec, run, shell or test and prints the plan: what is mounted where and which rule asked for it, each variable with its origin, namespaces, ids, and the command. The plan shown is the plan that runs.",
      "With --diff, compares two plans that were saved with --json.",
    ],
    flags: [JSON_FLAG, { name: "diff", kind: "bool", help: "compare two saved plans" }],
    bare: "call",
    args: { min: 2, max: 2, usage: "--diff <plan> <plan>", values: ["file"] },
    commands: ACTIONS.map((action) => ({
      name: action.name,
      summary: `Explain ${action.name}`,
      flags: [...action.flags, JSON_FLAG],
      args: action.args,
    })),
    examples: [
      { text: "See where things come from", command: "explain exec -C -B /data tools.sif ls" },
      { text: "Keep a plan", command: "explain --json run tools.sif > before.json" },
      { text: "Compare two", command: "explain --diff before.json after.json" },
    ],
  },
  {
    name: "doctor",
    summary: "Show what this host offers and lacks",
    description: [
      "Looks at user namespaces, sub-ids, FUSE, overlays, tools, cgroups, graphics cards and the cache directory, and says what each means and how to mend it. Ends with status 1 when images cannot run here.",
    ],
    flags: [JSON_FLAG],
    args: { min: 0, max: 0, usage: "" },
    examples: [{ text: "Look", command: "doctor" }],
  },
  {
    name: "def",
    summary: "Work with definition files",
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "format",
        summary: "Print a definition file in a tidy form",
        flags: [],
        args: { min: 1, max: 1, usage: "<file>", values: ["file"] },
      },
      {
        name: "json",
        summary: "Print a definition file as JSON",
        flags: [],
        args: { min: 1, max: 1, usage: "<file>", values: ["file"] },
      },
      {
        name: "from-dockerfile",
        summary: "Turn a Dockerfile into a definition file",
        flags: [],
        args: { min: 1, max: 1, usage: "<file>", values: ["file"] },
      },
      {
        name: "to-dockerfile",
        summary: "Turn a definition file into a Dockerfile",
        flags: [],
        args: { min: 1, max: 1, usage: "<file>", values: ["file"] },
      },
    ],
    examples: [{ text: "See a definition as data", command: "def json lolcow.def" }],
  },
  {
    name: "export",
    summary: "Write an image in another form",
    description: [
      "With --self-run, one program: skiff with the image in it. Called, it runs the image's runscript with its words, on machines where nothing is installed. Options are given as variables (SKIFF_BIND, SKIFF_NV, …); SKIFF_SELF_RUN chooses what else it does: exec, shell, test, skiff (its words are a command line of skiff), extract (writes the image to the file named).",
      "The program is an image, too: exec, inspect and the others take it as one.",
    ],
    flags: [
      { name: "self-run", kind: "bool", help: "one program that runs where nothing is installed" },
      { name: "extract", kind: "bool", help: "the image out of such a program" },
      { name: "force", short: "F", kind: "bool", help: "replace the file if there is one" },
    ],
    args: { min: 2, max: 2, usage: "<image> <file>", values: ["image", "file"] },
    examples: [
      { text: "Get the image back", command: "export --extract tools tools.sif" },
      { text: "Make a program of an image", command: "export --self-run tools.sif tools" },
    ],
  },
];
