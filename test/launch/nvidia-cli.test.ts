import { describe, expect } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { type Finished, skiff } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { launchLab } from "./launch-lab.ts";

/**
 * `--nvccli`. In the place of nvidia-container-cli stands a script that tells how it was called, makes a
 * file in the root and mounts one there.
 */
const TOOL = `#!/bin/sh
for root; do :; done
printf '%s\\n' "$*" | sed "s|$root$|ROOT|" >"$root/etc/call"
grep CapEff /proc/self/status >>"$root/etc/call"
pwd >>"$root/etc/call"
: >"$root/usr/bin/nvidia-smi"
/bin/busybox mount -o bind "$0" "$root/usr/bin/nvidia-smi"
`;
const FAILING = "#!/bin/sh\necho no driver here >&2\nexit 1\n";

const { dir, lack } = launchLab((lab) => {
  for (const [name, text] of Object.entries({ tools: TOOL, failing: FAILING })) {
    mkdirSync(`${lab}/${name}`);
    writeFileSync(`${lab}/${name}/nvidia-container-cli`, text);
    chmodSync(`${lab}/${name}/nvidia-container-cli`, 0o755);
  }
});
const inContainer = testUnless(lack);
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const call = (
  words: readonly string[],
  extraEnv: Readonly<Record<string, string>> = {},
  tools = "tools",
): Promise<Finished> =>
  skiff(["exec", "--nvccli", ...words], {
    extraEnv: { PATH: `${dir}/${tools}:${PATH}`, ...extraEnv },
  });
const SHOW = "cat /etc/call; head -n 1 /usr/bin/nvidia-smi; echo $NVIDIA_VISIBLE_DEVICES";
const CAPABILITIES = "CapEff:\t00000000082c01ef";

describe("--nvccli", () => {
  for (const [name, image] of Object.entries({ directory: "img", "packed image": "img.sqfs" })) {
    inContainer(`has the tool set up the root of a ${name}, which is writable then`, async () => {
      const { code, stdout, stderr } = await call([`${dir}/${image}`, "sh", "-c", SHOW]);
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: "INFO:    Setting --writable-tmpfs (required by nvidia-container-cli)\n",
      });
      const [words, capabilities, cwd, mounted, devices] = stdout.split("\n");
      expect(words).toMatch(
        /^--user configure --no-cgroups --device=all --compute --utility --ldconfig=@\S+\/ldconfig ROOT$/,
      );
      expect([capabilities, cwd, mounted, devices]).toEqual([
        CAPABILITIES,
        "/",
        "#!/bin/sh",
        "all",
      ]);
    });
  }

  inContainer("is steered by the caller's variables", async () => {
    const env = {
      NVIDIA_VISIBLE_DEVICES: "0,1",
      NVIDIA_DRIVER_CAPABILITIES: "video,display",
      NVIDIA_MIG_CONFIG_DEVICES: "all",
      NVIDIA_REQUIRE_CUDA: "cuda>=12.0",
    };
    const { stdout } = await call(["-C", `${dir}/img`, "cat", "/etc/call"], env);
    expect(stdout).toStartWith(
      "--user configure --no-cgroups --device=0,1 --mig-config=all --video --display --require=cuda>=12.0 --ldconfig",
    );
    const without = await call(["-C", `${dir}/img`, "cat", "/etc/call"], {
      NVIDIA_REQUIRE_CUDA: "cuda>=12.0",
      NVIDIA_DISABLE_REQUIRE: "1",
    });
    expect(without.stdout).toStartWith(
      "--user configure --no-cgroups --compute --utility --ldconfig",
    );
    expect(without.stderr).toContain("NVIDIA_VISIBLE_DEVICES must be set");
  });

  inContainer(
    "tells what the tool says, what it does not know, and that it is missing",
    async () => {
      const failed = await call([`${dir}/img`, "true"], {}, "failing");
      expect([failed.code, failed.stderr]).toEqual([
        255,
        expect.stringContaining("no driver here"),
      ]);
      const wrong = await call([`${dir}/img`, "true"], { NVIDIA_DRIVER_CAPABILITIES: "fly" });
      expect([wrong.code, wrong.stderr]).toEqual([
        255,
        expect.stringContaining("unknown NVIDIA_DRIVER_CAPABILITIES value: fly"),
      ]);
      const missing = await call([`${dir}/img`, "true"], { PATH });
      expect([missing.code, missing.stderr]).toEqual([
        255,
        expect.stringContaining("Cannot use --nvccli: nvidia-container-cli is not installed"),
      ]);
    },
  );

  inContainer("is not for OCI runtimes, which set the root up themselves", async () => {
    const refused = await call(["--oci", `${dir}/img`, "true"]);
    expect([refused.code, refused.stderr]).toEqual([255, expect.stringContaining("with --oci")]);
  });

  inContainer("leaves the mounts of the container as they are without it", async () => {
    const mounts = "awk '{ print $5, $7, $8 }' /proc/self/mountinfo | grep -v nvidia-smi";
    const [plain, set] = await Promise.all([
      skiff(["exec", "--writable-tmpfs", `${dir}/img`, "sh", "-c", mounts]),
      call([`${dir}/img`, "sh", "-c", mounts]),
    ]);
    const shape = (text: string): string => text.replaceAll(/(shared|master):\d+/g, "$1");
    expect(shape(set.stdout)).toBe(shape(plain.stdout));
  });
});
