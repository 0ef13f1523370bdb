import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { launchLab } from "../launch/launch-lab.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** What went wrong in other runtimes (runc first of all), tried on this one as an ordinary user. */
const { dir, lack } = launchLab((place) => {
  for (const name of ["victim", "evil", "over"]) mkdirSync(`${place}/${name}`);
  writeFileSync(`${place}/file`, "mine\n");
});
const inContainer = testUnless(lack);

const bash = (command: string): Promise<Finished> => run(["bash", "-c", command], { cwd: dir });

/** Copies of the image in which a few things are not what they should be. */
async function evil(name: string, changes: string): Promise<string> {
  const { code, stderr } = await bash(`cp -a img evil/${name} && cd evil/${name} && ${changes}`);
  if (code !== 0) throw new Error(stderr);
  return `${dir}/evil/${name}`;
}

/** The directory of the host that an image tries to reach. */
const victims = (): string[] => readdirSync(`${dir}/victim`);

describe("a descriptor of the host as a way out", () => {
  inContainer("CVE-2024-21626: no directory of the host is open in the program", async () => {
    const { stdout } = await skiff(["exec", `${dir}/img.sqfs`, "ls", "-l", "/proc/self/fd"]);
    const open = stdout
      .split("\n")
      .filter((line) => / -> \//.test(line) && !/ -> \/(dev|proc)\//.test(line));
    expect(open).toEqual([]);
  });

  inContainer("CVE-2024-21626: no working directory leads out by a descriptor", async () => {
    for (let fd = 3; fd < 24; fd++) {
      const words = ["exec", "--containall", "--cwd", `/proc/self/fd/${fd}`, `${dir}/img.sqfs`];
      const { stdout } = await skiff([...words, "sh", "-c", "ls ../../../../ 2>/dev/null"]);
      expect(stdout).not.toContain("lost+found");
      expect(stdout.split("\n")).not.toContain("boot");
    }
  });
});

describe("processes of the set-up as a way out", () => {
  inContainer("CVE-2024-21626: process 1 holds nothing of the host", async () => {
    const look =
      "for f in /proc/1/fd/*; do ls -d $f/../home $f/home; done; ls /proc/1/cwd/../home; ls -l /proc/1/fd";
    const { stdout } = await skiff(["exec", "--containall", `${dir}/img`, "sh", "-c", look]);
    expect(stdout.split("\n").filter((line) => /home|-> \/proc/.test(line))).toEqual([]);
  });

  inContainer("CVE-2024-21626: a file server's root is closed to the program", async () => {
    const look =
      'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = squashfuse_ll ] && echo $p/root/*; done; echo end';
    const words = ["exec", "--contain", `${dir}/img.sqfs`, "sh", "-c", look];
    const found = (await skiff(words)).stdout.split("\n").filter((line) => !line.endsWith("*"));
    expect(found).toEqual(["end", ""]);
  });

  inContainer(
    "CVE-2016-9962, CVE-2024-21626: an image's environment script cannot look at the starter",
    async () => {
      const script =
        "for f in /proc/$PPID/fd/* /proc/$PPID/root; do echo $f/../*; done; while read -r x; do :; done < /proc/$PPID/comm; trap : EXIT";
      const image = await evil(
        "script",
        `mkdir -p .singularity.d/env && printf '%s\n' '${script}' > .singularity.d/env/91-x.sh`,
      );
      const { stdout } = await skiff(["exec", image, "echo", "end"]);
      expect(stdout.split("\n").filter((line) => !line.includes("*"))).toEqual(["end", ""]);
    },
  );
});

describe("an image whose links lead out", () => {
  beforeAll(() => {
    if (lack === undefined) expect(victims()).toEqual([]);
  });

  for (const [name, link] of [
    ["absolute into the session", "/host"],
    ["upwards", "../../../../../../../host"],
    ["through /proc", "/proc/1/root"],
    ["through the session's own root", "/proc/self/cwd/../host"],
  ] as const) {
    inContainer(
      `CVE-2021-30465, CVE-2017-1002101: a destination ${name} makes nothing on the host`,
      async () => {
        const image = await evil(name.replaceAll(/\W/g, ""), `ln -s ${link}${dir}/victim way`);
        for (const flags of [
          "--writable-tmpfs",
          "--overlay over",
          "--underlay",
          "--writable",
          "",
        ]) {
          await bash(
            `${skiffPath} exec ${flags} -B file:/way/new -B ${dir}/over:/way/dir ${image} sh -c 'echo x > /way/other' 2>/dev/null`,
          );
          expect(victims(), flags).toEqual([]);
        }
      },
    );
  }

  inContainer("CVE-2021-30465: nor when a link takes a directory's place meanwhile", async () => {
    const image = await evil("race", `mkdir way; ln -s /host${dir}/victim trap`);
    const { stdout } = await bash(
      `(while [ ! -e stop ]; do mv -T evil/race/way evil/race/gone 2>/dev/null && mv -T evil/race/trap evil/race/way 2>/dev/null
          mv -T evil/race/way evil/race/trap 2>/dev/null; mv -T evil/race/gone evil/race/way 2>/dev/null; done) & p=$!
       for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
         ${skiffPath} exec --writable -B file:/way/new${"$"}i ${image} true >/dev/null 2>&1
       done; touch stop; wait $p; ls victim`,
    );
    expect(stdout).toBe("");
  });

  inContainer(
    "CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc and /sys that are links are no way to the host's",
    async () => {
      const image = await evil(
        "proc",
        `rm -rf proc sys && mkdir -p tmp/fake/self/attr tmp/fake/sys && echo untouched > tmp/fake/self/attr/exec && ln -s tmp/fake proc && ln -s /tmp/fake sys`,
      );
      await skiff(["exec", "--pid", "--contain", image, "true"]);
      await skiff(["exec", "--writable", image, "true"]);
      expect(readFileSync(`${image}/tmp/fake/self/attr/exec`, "utf8")).toBe("untouched\n");
    },
  );

  inContainer(
    "CVE-2025-31133, CVE-2025-52565: a /dev of links gets no host file, and no mount elsewhere",
    async () => {
      const image = await evil(
        "dev",
        `rm -rf dev && mkdir dev && ln -s /host${dir}/file dev/null && ln -s /host${dir}/victim dev/pts && ln -s ../../../host${dir}/file dev/console`,
      );
      for (const flags of [["--contain"], ["--containall"], ["--no-mount", "dev"]]) {
        await skiff([
          "exec",
          ...flags,
          image,
          "sh",
          "-c",
          "echo gone > /dev/null; echo x > /dev/pts/x",
        ]);
      }
      const { stdout } = await skiff([
        "exec",
        "--contain",
        image,
        "stat",
        "-c",
        "%t:%T",
        "/dev/null",
      ]);
      expect(stdout).toBe("1:3\n");
      expect([readFileSync(`${dir}/file`, "utf8"), victims()]).toEqual(["mine\n", []]);
    },
  );
});

describe("privileges", () => {
  inContainer("CVE-2022-29162, CVE-2022-24769: nothing is inheritable", async () => {
    for (const flags of [[], ["--pid"], ["--containall"]]) {
      const words = ["exec", ...flags, `${dir}/img`, "grep", "CapInh", "/proc/self/status"];
      expect((await skiff(words)).stdout).toBe("CapInh:\t0000000000000000\n");
    }
  });

  inContainer(
    "CVE-2023-25809: control groups that limit are not the container's to write",
    async () => {
      const plan = await skiff(["explain", "--json", "exec", `${dir}/img`, "true"]);
      expect(JSON.parse(plan.stdout).limits).toBeUndefined();
      const probe =
        "for f in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs; do [ -w $f ] && echo $f; done; true";
      expect((await skiff(["exec", `${dir}/img`, "sh", "-c", probe])).stdout).toBe("");
    },
  );

  inContainer("CVE-2019-5736: the starter cannot be written through /proc", async () => {
    const starter = `${skiffPath.slice(0, skiffPath.lastIndexOf("/"))}/libexec/skiff/starter`;
    const sizes = () =>
      [skiffPath, starter].map((path) => (existsSync(path) ? statSync(path).size : 0));
    const before = sizes();
    const attack =
      "for p in 1 self; do (echo x >> /proc/$p/exe) 2>/dev/null; (: > /proc/$p/exe) 2>/dev/null; done; echo end";
    for (const flags of [["--pid"], ["--pid", "--fakeroot"]]) {
      const { stdout } = await skiff(["exec", ...flags, `${dir}/img.sqfs`, "sh", "-c", attack]);
      expect(stdout).toBe("end\n");
    }
    const self = await evil(
      "self",
      "printf '#!/proc/self/exe\\n' > bin/again; chmod 755 bin/again",
    );
    await skiff(["exec", "--pid", self, "again"]);
    expect(sizes()).toEqual(before);
  });

  inContainer(
    "CVE-2016-9962: who joins an instance cannot be looked at by what is in it",
    async () => {
      const spy =
        "while [ ! -e /tmp/stop ]; do for p in /proc/[0-9]*; do ls $p/fd/*/../home 2>/dev/null; done; done";
      const { stdout, stderr } = await bash(
        `export SKIFF_CONFIGDIR=${dir}/conf; mkdir -p spied; ${skiffPath} instance start --contain --workdir spied img traced >/dev/null 2>&1
       ${skiffPath} exec instance://traced sh -c '${spy}' > seen & p=$!
       for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ${skiffPath} exec instance://traced true; done
       touch spied/tmp/stop; wait $p; cat seen; ${skiffPath} instance stop traced >/dev/null 2>&1`,
      );
      expect(stdout, stderr).toBe("");
    },
  );

  inContainer(
    "CVE-2016-3697: a user that is no number is refused, never looked up in the image",
    async () => {
      const image = await evil("names", "echo '1000:x:0:0:root:/root:/bin/sh' >> etc/passwd");
      const { code } = await skiff(["exec", "--security", "uid:1000x", image, "id", "-u"]);
      expect(code).toBe(255);
      const { stdout } = await skiff(["exec", image, "id", "-u"]);
      expect(stdout).toBe(`${ordinaryUser()?.uid}\n`);
    },
  );

  inContainer(
    "CVE-2024-45310: no empty file or directory is made on the host for a mount",
    async () => {
      const image = await evil("empty", `ln -s /host${dir}/victim/made way`);
      await bash(
        `${skiffPath} exec --writable -B file:/way ${image} true; ${skiffPath} exec -B over:/way ${image} true`,
      );
      expect(victims()).toEqual([]);
    },
  );
});
