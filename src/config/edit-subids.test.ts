import { expect, test } from "bun:test";
import { editSubids, type SubidAction } from "./edit-subids.ts";

const ANN = { name: "ann", uid: 1000 };

/** Edits two equal files and expects equal results. */
function edit(text: string, action: SubidAction): string {
  const { subuid, subgid } = editSubids({ subuid: text, subgid: text }, action, ANN);
  expect(subgid).toBe(subuid);
  return subuid;
}

test("editSubids() gives out ranges downwards from the top, by number, and skips what is taken", () => {
  expect(edit("", "add")).toBe("1000:4294836224:65536\n");
  expect(edit("# note\nbob:100000:65536", "add")).toBe(
    "# note\nbob:100000:65536\n1000:4294836224:65536\n",
  );
  expect(edit("5:4294836224:65536\n", "add")).toBe("5:4294836224:65536\n1000:4294770688:65536\n");
  expect(edit("!5:4294770688:131072\n", "add")).toBe(
    "!5:4294770688:131072\n1000:4294705152:65536\n",
  );
  expect(edit("5:4294836223:2\n", "add")).toBe("5:4294836223:2\n1000:4294705152:65536\n");
});

test("editSubids() uses the same range in both files, free in both", () => {
  const texts = { subuid: "5:4294836224:65536\n", subgid: "6:4294770688:65536\n" };
  expect(editSubids(texts, "add", ANN)).toEqual({
    subuid: "5:4294836224:65536\n1000:4294705152:65536\n",
    subgid: "6:4294770688:65536\n1000:4294705152:65536\n",
  });
});

test("editSubids() adds nothing to a user who has a range, and to one with a small range does", () => {
  for (const text of ["ann:1:65536\n", "1000:1:70000\n", "!ann:1:65536\n"])
    expect(edit(text, "add")).toBe(text);
  expect(edit("ann:1:1000\n", "add")).toBe("ann:1:1000\n1000:4294836224:65536\n");
});

test("editSubids() removes, disables and enables lines of the user by name and number", () => {
  const text = "# note\nann:100000:65536\nbob:300000:65536\n!1000:400000:65536\nanna:1:1\n";
  expect(edit(text, "remove")).toBe("# note\nbob:300000:65536\nanna:1:1\n");
  expect(edit(text, "disable")).toBe(text.replace("ann:1", "!ann:1"));
  expect(edit(text, "enable")).toBe(text.replace("!1000", "1000"));
  expect(edit(edit(text, "disable"), "disable")).toBe(edit(text, "disable"));
});

test("editSubids() faults when there is nothing to remove, enable or disable, or no range left", () => {
  for (const action of ["remove", "enable", "disable"] as const) {
    expect(() => edit("bob:1:65536\n", action)).toThrow(
      "no mapping entry found in /etc/subuid for ann",
    );
  }
  expect(() => edit("bob:0:4294967295\n", "add")).toThrow("Cannot find a free range");
});
