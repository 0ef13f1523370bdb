import { expect, test } from "bun:test";
import { findRunner, hasRunner } from "../../src/_runners.ts";
import { loadAllCommands } from "../../src/cli/command-index.ts";

const commands = await loadAllCommands();

test.each(commands.map((command) => [command.name, command.planned === true] as const))(
  "the command %s is in this version or marked as planned",
  (name, isPlanned) => {
    expect(hasRunner(name)).toBe(!isPlanned);
  },
);

test("every command of this version has a module with run()", async () => {
  for (const { name } of commands.filter((command) => hasRunner(command.name))) {
    const runner = await findRunner([name]);
    expect(runner.run).toBeFunction();
  }
});

test("findRunner() throws for a command that this version lacks, and for odd names", () => {
  for (const name of ["nosuch", "toString", ""]) {
    expect(findRunner([name])).rejects.toThrow("is not available in this version");
  }
});
