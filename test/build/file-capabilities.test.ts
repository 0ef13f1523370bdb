import { expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { encodeTarHeader, TAR_END } from "../../src/format/tar/tar-writer.ts";
import { fileCapabilities } from "../../src/host/file-attributes.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Capabilities of program files in builds: an archive brings them, COPY and %files keep them.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"), noTool("tar"));

/** cap_net_raw, effective and permitted, as version 2 has it (linux/capability.h). */
const NET_RAW = Uint8Array.of(1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** Permitted capabilities 0 to 31. */
function permitted(path: string): number | undefined {
  const value = fileCapabilities(path);
  return value && new DataView(value.buffer, value.byteOffset).getUint32(4, true);
}

for (const rung of [[], ["--ignore-subuid"]]) {
  const name = rung.length === 0 ? "" : ", with one id too";
  testUnless(lack)(
    `COPY --from and ADD keep the capabilities of files${name}`,
    async () => {
      const content = Buffer.from("tool\n");
      const head = encodeTarHeader({
        kind: "file",
        path: "tool",
        link: "",
        mode: 0o755,
        uid: 0,
        gid: 0,
        sizeBytes: content.length,
        mtimeSeconds: 1,
        major: 0,
        minor: 0,
        xattrs: new Map([["security.capability", NET_RAW]]),
        sparse: undefined,
      });
      const padding = new Uint8Array(512 - content.length);
      writeFileSync(`${dir}/tool.tar`, Buffer.concat([head, content, padding, TAR_END]));
      writeDefinition(dir, "unused.def", "");
      const stages =
        "FROM scratch AS one\nADD tool.tar /a/\nFROM scratch\nCOPY static-shell /bin/sh\nCOPY --from=one --chown=5:6 /a/tool /tool\n";
      writeFileSync(`${dir}/Dockerfile`, stages);
      await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
      const options = { cwd: dir, extraEnv: { SKIFF_CACHEDIR: `${dir}/kept` } };
      const words = ["build", "--force", ...rung, "--sandbox", "root", "Dockerfile"];
      const built = await skiff(words, options);
      expect([built.code, built.stderr]).toEqual([0, expect.not.stringContaining("are lost")]);
      expect(readFileSync(`${dir}/root/tool`, "utf8")).toBe("tool\n");
      expect(permitted(`${dir}/root/tool`)).toBe(0x2000);

      // A copy of a stage by a definition file, by way of a SIF.
      const sif = ["build", "--force", ...rung, "image.sif", "Dockerfile"];
      expect((await skiff(sif, options)).code).toBe(0);
      writeFileSync(
        `${dir}/next.def`,
        "Bootstrap: localimage\nFrom: image.sif\nStage: one\n\nBootstrap: scratch\n%files from one\n    /tool /c\n",
      );
      const next = ["build", "--force", ...rung, "--sandbox", "next", "next.def"];
      expect((await skiff(next, options)).code).toBe(0);
      expect(permitted(`${dir}/next/c`)).toBe(0x2000);
    },
    30_000,
  );
}
