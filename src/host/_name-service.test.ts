import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { findAccount, findGroupName } from "./_accounts.ts";
import { askAccount, askGroupName } from "./_name-service.ts";

test("askAccount() and askGroupName() give what the files say, through the C library", () => {
  const passwd = readFileSync("/etc/passwd", "utf8");
  expect(askAccount(0)).toEqual(findAccount(passwd, { id: 0 }));
  expect(askAccount("nobody")).toEqual(findAccount(passwd, { name: "nobody" }));
  expect(askGroupName(0)).toBe(findGroupName(readFileSync("/etc/group", "utf8"), 0));
});

test("askAccount() and askGroupName() give undefined for what no service knows", () => {
  expect(askAccount(3_999_999_999)).toBeUndefined();
  expect(askAccount("no-such-account")).toBeUndefined();
  expect(askGroupName(3_999_999_999)).toBeUndefined();
});
