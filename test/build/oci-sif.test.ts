import { expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { layeredLab } from "../oci/layered-lab.ts";
import { type Finished, skiff } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";

const { dir, ociLack: lack } = layeredLab();
writeFileSync(
  `${dir}/Dockerfile`,
  `FROM oci:${dir}/layout:many
COPY --chown=app Dockerfile /own/file
USER app
WORKDIR /own
ENV ADDED=1
RUN echo made > /own/made || true
ENTRYPOINT ["/bin/sh", "-c", "id -u; pwd; echo $ADDED; cat /etc/word"]
`,
);
const call = (...args: string[]): Promise<Finished> =>
  skiff(args, { cwd: dir, extraEnv: { SKIFF_CACHEDIR: `${dir}/cache` }, timeoutMs: 100_000 });

testUnless(lack)(
  "a Dockerfile becomes an OCI-SIF that runs as it says, twice the same",
  async () => {
    const built = await call("build", "--oci", "--no-cache", "it.sif", "Dockerfile");
    expect(built.code, built.stderr).toBe(0);
    const ran = await call("run", "--oci", "it.sif");
    expect([ran.code, ran.stdout], ran.stderr).toEqual([0, "1234\n/own\n1\nabove\n"]);
    const listed = await call("exec", "--oci", "it.sif", "ls", "/");
    // Nothing is in the image that the Dockerfile did not put there.
    expect(listed.stdout).not.toContain("singularity\n");
    const again = await call("build", "--oci", "--no-cache", "again.sif", "Dockerfile");
    expect(again.code, again.stderr).toBe(0);
    expect(readFileSync(`${dir}/again.sif`).equals(readFileSync(`${dir}/it.sif`))).toBe(true);
  },
);

testUnless(lack)("an image of layers becomes one by build as by pull", async () => {
  const from = `oci:${dir}/layout:many`;
  for (const flags of [[], ["--keep-layers"]]) {
    const built = await call("build", "--oci", "--force", ...flags, "built.sif", from);
    expect(built.code, built.stderr).toBe(0);
    await call("pull", "--oci", "--force", "--disable-cache", ...flags, "pulled.sif", from);
    expect(readFileSync(`${dir}/built.sif`).equals(readFileSync(`${dir}/pulled.sif`))).toBe(true);
  }
});
