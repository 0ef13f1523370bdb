import { describe, expect } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { instanceLab, noInstances, SERVER_TREE, until } from "../instances/instance-lab.ts";
import type { Finished } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";

/**
 * Instances under DMTCP. In the place of its programs stand scripts that tell how they were called,
 * and do what matters here: leave the port of a coordinator, and a script that starts the state again.
 */
const SAY = 'echo "${0##*/} $*" >>/.checkpoint/calls';
const LAUNCH = `#!/bin/sh
${SAY}
echo 7654 >/.checkpoint/coord.port
while [ "$1" != --ckpt-open-files ]; do shift; done
shift
exec "$@"
`;
const COMMAND = `#!/bin/sh
${SAY}
printf '#!/bin/sh\\necho restarted\\nexec sleep 1000\\n' >/.checkpoint/dmtcp_restart_script.sh
chmod 755 /.checkpoint/dmtcp_restart_script.sh
`;

const lab = instanceLab(SERVER_TREE, (dir) => {
  mkdirSync(`${dir}/tools`);
  const tools = { dmtcp_launch: LAUNCH, dmtcp_command: COMMAND, dmtcp_restart: "#!/bin/sh\n" };
  for (const [name, text] of Object.entries(tools)) {
    writeFileSync(`${dir}/tools/${name}`, text);
    chmodSync(`${dir}/tools/${name}`, 0o755);
  }
});
const inLab = testUnless(noInstances);
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const skiff = (...words: string[]): Promise<Finished> =>
  lab.skiff(words, { extraEnv: { PATH: `${lab.dir}/tools:${PATH}` } });
const directory = (name: string): string => `${lab.dir}/config/checkpoint/dmtcp/${name}`;
const start = (flag: string, name: string, instance: string, ...args: string[]) =>
  skiff("instance", "start", `--dmtcp-${flag}`, name, "img.sqfs", instance, ...args);

describe("an instance under DMTCP", () => {
  inLab("is launched, saved and restarted by DMTCP's own programs", async () => {
    expect((await skiff("checkpoint", "create", "state")).code).toBe(0);
    expect(await start("launch", "state", "one", "a", "b c")).toMatchObject({ code: 0 });
    const log = `${lab.dir}/config/instances/logs`;
    const [listed] = await lab.list("one");
    expect(listed?.logOutPath).toStartWith(log);
    expect(
      await until(() =>
        readFileSync(listed?.logOutPath ?? "", "utf8").includes("started 2: a b c"),
      ),
    ).toBe(true);
    const saved = await skiff("checkpoint", "instance", "one");
    expect(saved).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readFileSync(`${directory("state")}/calls`, "utf8").split("\n")).toEqual([
      "dmtcp_launch --coord-port 0 --coord-logfile /.checkpoint/coord.log --port-file /.checkpoint/coord.port " +
        "--ckptdir /.checkpoint --no-gzip --ckpt-open-files /.singularity.d/startscript a b c",
      "dmtcp_command --coord-port 7654 -bc",
      "",
    ]);
    await skiff("instance", "stop", "--force", "one");
    expect(await start("restart", "state", "two")).toMatchObject({ code: 0 });
    const [again] = await lab.list("two");
    expect(
      await until(() => readFileSync(again?.logOutPath ?? "", "utf8").includes("restarted")),
    ).toBe(true);
    await skiff("instance", "stop", "--force", "two");
  });

  inLab("needs a checkpoint, and one with a saved state to restart", async () => {
    const missing = await start("launch", "nosuch", "three");
    expect([missing.code, missing.stderr]).toEqual([
      255,
      expect.stringContaining('checkpoint "nosuch" not found; make it'),
    ]);
    await skiff("checkpoint", "create", "empty");
    const empty = await start("restart", "empty", "three");
    expect([empty.code, empty.stderr]).toEqual([255, expect.stringContaining("nothing was saved")]);
    const away = await start("launch", "../empty", "three");
    expect([away.code, away.stderr]).toEqual([255, expect.stringContaining("checkpoint's name")]);
    const both = await skiff(
      ...["instance", "start", "--dmtcp-launch", "empty", "--dmtcp-restart", "empty"],
      ...["img.sqfs", "three"],
    );
    expect([both.code, both.stderr]).toEqual([255, expect.stringContaining("--dmtcp-restart")]);
    expect(await lab.list()).toEqual([]);
    rmSync(directory("empty"), { recursive: true });
  });

  inLab("is one that was started so, and with DMTCP installed", async () => {
    expect((await skiff("instance", "start", "img.sqfs", "plain")).code).toBe(0);
    const plain = await skiff("checkpoint", "instance", "plain");
    expect([plain.code, plain.stderr]).toEqual([255, expect.stringContaining("not started under")]);
    const nosuch = await skiff("checkpoint", "instance", "nosuch");
    expect([nosuch.code, nosuch.stderr]).toEqual([255, expect.stringContaining("no instance")]);
    await skiff("instance", "stop", "--force", "plain");
    const words = ["instance", "start", "--dmtcp-launch", "state", "img.sqfs", "four"];
    const without = await lab.skiff(words, { extraEnv: { PATH } });
    expect([without.code, without.stderr]).toEqual([
      255,
      expect.stringContaining("dmtcp_launch is not installed; install DMTCP"),
    ]);
  });
});
