import { expect, test } from "bun:test";
import { readErrorBody, withoutSecrets } from "./error-body.ts";

test.each([
  ['{"errors":[{"code":"DENIED","message":"no access"}]}', "no access (DENIED)"],
  ['{"errors":[{"code":"A"},{"message":"b"}]}', "A; b"],
  ['{"error":{"code":404,"message":"Not found"}}', "Not found"],
  ['{"message":"x"}', "x"],
  ['{"details":"invalid name"}', "invalid name"],
  ["<!DOCTYPE html><html><title>Log  in</title>", 'an HTML page "Log in"'],
  ["<html></html>", "an HTML page"],
  ["plain\n\x1b[31mtext\x07", "plain [31mtext"],
  ["", ""],
])("readErrorBody() of %j says %j", async (body, said) => {
  expect(await readErrorBody(new Response(body))).toBe(said);
});

test("readErrorBody() stays short whatever comes", async () => {
  let count = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      count += 1;
      controller.enqueue(new Uint8Array(1000).fill(0x61));
    },
  });
  expect((await readErrorBody(new Response(endless))).length).toBeLessThan(310);
  expect(count).toBeLessThan(20);
});

test.each([
  ["Authorization: Bearer abcdefghijk.x", "abcdefghijk"],
  ["basic dXNlcjpwYXNz", "dXNlcjpwYXNz"],
  ['{"refresh_token":"sesame99"}', "sesame99"],
  ["https://b.example.org/x?X-Amz-Signature=deadbeef&y=1", "deadbeef"],
  ["http://bob:hunter2@example.org/", "hunter2"],
])("withoutSecrets(%j) takes the secret out", (text, secret) => {
  expect(withoutSecrets(text)).not.toContain(secret);
});
