import { expect, test } from "bun:test";
import { findAccount, findGroupName } from "./_accounts.ts";

const PASSWD = [
  "# local accounts",
  "root:x:0:0:root:/root:/bin/bash",
  "ann:x:1000:100:Ann,,,:/home/ann:/bin/sh",
  "anna:x:1001:100::/home/anna:",
  "group-like:x:7:1000:has 1000 as its group:/:/bin/false",
  "second:x:1000:5::/home/second:/bin/sh",
  "broken:x:1002",
  "+:x:1003:1:::",
  "#old:x:1004:1::/:/bin/sh",
  "noid:x::1::/:/bin/sh",
  "last:x:1009:9::/home/last:/bin/zsh",
].join("\n");

test("findAccount() finds by uid: the whole third field, the first line that has it", () => {
  expect(findAccount(PASSWD, { id: 1000 })).toEqual({
    name: "ann",
    uid: 1000,
    gid: 100,
    gecos: "Ann,,,",
    home: "/home/ann",
    shell: "/bin/sh",
  });
  expect(findAccount(PASSWD, { id: 0 })?.name).toBe("root");
  expect(findAccount(PASSWD, { id: 1009 })?.shell).toBe("/bin/zsh");
});

test("findAccount() finds by name: the whole first field", () => {
  expect(findAccount(PASSWD, { name: "anna" })).toMatchObject({ uid: 1001, shell: "" });
  expect(findAccount(PASSWD, { name: "root" })?.home).toBe("/root");
});

test("findAccount() gives nothing for broken, disabled and unknown entries", () => {
  for (const key of [{ id: 1002 }, { id: 1003 }, { id: 1004 }, { id: 100 }, { id: 999 }]) {
    expect(findAccount(PASSWD, key)).toBeUndefined();
  }
  for (const name of ["", "nn", "x", "+", "#old", "noid", "1000"]) {
    expect(findAccount(PASSWD, { name })).toBeUndefined();
  }
  expect(findAccount("", { id: 0 })).toBeUndefined();
});

test("findGroupName() looks at the id, not at members that look like one", () => {
  const group = "root:x:0:\nusers:x:100:5000,ann\nodd:x:101:x:5000:\n";
  expect(findGroupName(group, 100)).toBe("users");
  expect(findGroupName(group, 5000)).toBeUndefined();
});
