import { afterAll, expect } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";

const dir = scratch();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) =>
    new URL(request.url).pathname === "/busybox"
      ? new Response(Bun.file(Bun.which("busybox") ?? "/nowhere"))
      : new Response("no", { status: 404 }),
});

afterAll(() => server.stop(true));

const lack = firstReason(noTool("busybox"), noUserNamespaces(), noTool("mksquashfs"));

testUnless(lack)(
  "Bootstrap: busybox fetches the program and links it under its names",
  async () => {
    writeFileSync(
      `${dir}/busybox.def`,
      `Bootstrap: busybox\nMirrorURL: http://127.0.0.1:${server.port}/busybox\n%post\n    cat /etc/passwd > /seen\n`,
    );
    const built = await skiff(["build", "--sandbox", "busybox", "busybox.def"], { cwd: dir });
    expect(built.stderr).toContain("Build complete");
    expect(readFileSync(`${dir}/busybox/seen`, "utf8")).toContain("root");
    expect(statSync(`${dir}/busybox/bin/ls`).isFile()).toBe(true);
    expect(readFileSync(`${dir}/busybox/.singularity.d/runscript`, "utf8")).toBe("#!/bin/sh\n");
  },
);

testUnless(lack)("a server that does not have it ends the build with its answer", async () => {
  writeFileSync(
    `${dir}/none.def`,
    `Bootstrap: busybox\nMirrorURL: http://127.0.0.1:${server.port}/none\n`,
  );
  const built = await skiff(["build", "none.sif", "none.def"], { cwd: dir });
  expect(built.code).toBe(255);
  expect(built.stderr).toContain("the server answered 404");
});
