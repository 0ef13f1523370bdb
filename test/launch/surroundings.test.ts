import { beforeAll, describe, expect } from "bun:test";
import { noFuse, noSubIds, noTool } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, loginEnv, type RunOptions, run } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { launchLab } from "./launch-lab.ts";

/** Launches from odd places: inside containers and user namespaces, without environment, home or streams. */
const { dir, lack } = launchLab();

const bash = (command: string, options: RunOptions = {}): Promise<Finished> =>
  run(["bash", "-c", command], { cwd: dir, ...options });

/** Runs a program that process_vm_readv(2) is refused to. */
const REFUSE_MEMORY_READS = `
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
  struct sock_filter steps[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {4, steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
    return 99;
  return argc > 1 ? execv(argv[1], argv + 1) : 98;
}
`;

describe("nested launches", () => {
  // The host's own tree serves as outer image: it has the libraries that skiff and squashfuse need.
  const outer = [
    "mkdir -p outer && cd outer && for d in usr lib lib64 bin sbin; do",
    "test -L /$d && cp -P /$d . || { test -d /$d && mkdir -p $d; }; done; mkdir -p etc proc sys dev tmp home root var/tmp",
  ].join(" ");
  beforeAll(async () => {
    if (lack !== undefined) return;
    const made = await bash(outer);
    if (made.code !== 0) throw new Error(made.stderr);
  });
  // Inner launches inherit binds: not these.
  const system = ["/usr", "/etc/ld.so.cache", skiffPath]
    .map((path) => `--mount type=bind,src=${path},dst=${path},nonested`)
    .join(" ");

  testUnless(lack)("a directory inside a container", async () => {
    const { code, stdout, stderr } = await bash(
      `${skiffPath} exec ${system} outer ${skiffPath} exec img echo inner`,
    );
    expect([code, stdout], stderr).toEqual([0, "inner\n"]);
  });

  testUnless(firstReason(lack, noFuse()))("a packed image inside a container", async () => {
    const { code, stdout, stderr } = await bash(
      `${skiffPath} exec ${system} outer ${skiffPath} exec img.sqfs sh -c 'echo $E2'`,
    );
    expect([code, stdout], stderr).toEqual([0, "image-two\n"]);
  });

  testUnless(lack)("the binds of the outer one are inherited", async () => {
    const { code, stdout, stderr } = await bash(
      `mkdir -p data && echo hello > data/f; ${skiffPath} exec ${system} -B data:/data outer ${skiffPath} exec img cat /data/f`,
    );
    expect([code, stdout], stderr).toEqual([0, "hello\n"]);
  });

  for (const flags of ["--pid", "--contain", "--containall", "--fakeroot", "--writable-tmpfs"]) {
    testUnless(firstReason(lack, flags === "--fakeroot" ? noSubIds() : undefined))(
      `inside ${flags}`,
      async () => {
        const { code, stdout, stderr } = await bash(
          `${skiffPath} exec ${flags} ${system} -B ${dir}/img outer ${skiffPath} exec ${dir}/img echo inner`,
        );
        expect([code, stdout], stderr).toEqual([0, "inner\n"]);
      },
    );
    testUnless(firstReason(lack, noFuse(), flags === "--fakeroot" ? noSubIds() : undefined))(
      `${flags} inside a container`,
      async () => {
        const { code, stdout, stderr } = await bash(
          `${skiffPath} exec ${system} outer ${skiffPath} exec ${flags} img.sqfs echo inner`,
        );
        expect([code, stdout], stderr).toEqual([0, "inner\n"]);
      },
    );
  }

  testUnless(firstReason(lack, noTool("fakeroot")))(
    "--fakeroot without sub-ids runs programs under the fakeroot command",
    async () => {
      const { code, stdout, stderr } = await bash(
        `${skiffPath} exec --fakeroot --ignore-subuid ${system} -B ${dir}:/out outer sh -c 'touch /out/given; chown 5:6 /out/given; stat -c %u:%g /out/given'; sleep 0.3; pgrep -u $(id -u) -r R,S -x faked`,
      );
      expect([code, stdout], stderr).toEqual([1, "5:6\n"]);
    },
  );

  testUnless(lack)("three deep", async () => {
    const again = `${skiffPath} exec ${system} outer`;
    const { code, stdout, stderr } = await bash(
      `${again} ${again} ${again} ${skiffPath} exec img echo deep`,
    );
    expect([code, stdout], stderr).toEqual([0, "deep\n"]);
  });
});

describe("inside a user namespace", () => {
  for (const enter of [
    "unshare -Ur",
    "unshare -Urm",
    "unshare -Urpf --mount-proc",
    "unshare -Uc",
  ]) {
    for (const image of ["img", "img.sqfs"]) {
      testUnless(firstReason(lack, image === "img" ? undefined : noFuse()))(
        `${enter}, ${image}`,
        async () => {
          const { code, stdout, stderr } = await bash(
            `${enter} ${skiffPath} exec ${image} sh -c 'id -u; echo in'`,
          );
          expect([code, stdout.split("\n").at(-2)], stderr).toEqual([0, "in"]);
        },
      );
    }
  }
  testUnless(lack)("--fakeroot there", async () => {
    const { code, stdout, stderr } = await bash(
      `unshare -Ur ${skiffPath} exec --fakeroot img id -u`,
    );
    expect([code, stdout], stderr).toEqual([0, "0\n"]);
  });
  testUnless(lack)("--fakeroot where the sub-ids do not exist", async () => {
    const { code, stdout, stderr } = await bash(
      `unshare -Uc ${skiffPath} exec --fakeroot img id -u`,
    );
    expect([code, stdout], stderr).toEqual([0, "0\n"]);
    expect(stderr).toMatch(/INFO:.*root-mapped/);
  });
  testUnless(lack)("--pid there", async () => {
    const { code, stdout, stderr } = await bash(
      `unshare -Ur ${skiffPath} exec --pid img sh -c 'ls /proc | grep -c "^[0-9]"'`,
    );
    expect(code, stderr).toBe(0);
    expect(Number(stdout)).toBeLessThan(20);
  });
});

describe("a bare environment", () => {
  testUnless(lack)("env -i", async () => {
    const { code, stdout, stderr } = await bash(
      `env -i ${skiffPath} exec img sh -c 'echo $HOME; echo $PATH; id -un'`,
    );
    const user = ordinaryUser();
    expect([code, stdout], stderr).toEqual([
      0,
      `${user?.home}\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n${user?.name}\n`,
    ]);
  });
  testUnless(firstReason(lack, noFuse()))("env -i with a packed image and --pid", async () => {
    const { code, stdout, stderr } = await bash(`env -i ${skiffPath} exec --pid img.sqfs echo ok`);
    expect([code, stdout], stderr).toEqual([0, "ok\n"]);
  });
  testUnless(firstReason(lack, noSubIds()))("env -i with --fakeroot", async () => {
    const { code, stdout, stderr } = await bash(`env -i ${skiffPath} exec --fakeroot img id -un`);
    expect([code, stdout], stderr).toEqual([0, "root\n"]);
  });
  testUnless(firstReason(lack, noTool("cc")))(
    "no reading of memory by address, as in some containers: the launcher is heard all the same",
    async () => {
      await Bun.write(`${dir}/refuse.c`, REFUSE_MEMORY_READS);
      const { code, stdout, stderr } = await bash(
        `cc -o refuse refuse.c; ulimit -Sn 333; mkdir gone-too; cd gone-too; rmdir ../gone-too;
         SKIFF_NO_REPLAY=1 ../refuse ${skiffPath} exec ${dir}/img sh -c 'pwd; ulimit -Sn'`,
      );
      expect([code, stdout], stderr).toEqual([0, `${loginEnv()["HOME"]}\n333\n`]);
    },
  );
  // The engine of the language refuses to start there: it is told, at least.
  testUnless(lack)("a working directory that was removed: it starts in the home", async () => {
    const { code, stdout, stderr } = await bash(
      `mkdir gone && cd gone && rmdir ../gone && ${skiffPath} exec ${dir}/img sh -c 'echo $PWD'`,
    );
    expect([code, stdout]).toEqual([0, `${loginEnv()["HOME"]}\n`]);
    expect(stderr).toContain("WARNING: Cannot determine the current working directory");
  });
  testUnless(lack)("a PATH without any tool", async () => {
    const { code, stdout } = await bash(`PATH=/nowhere ${skiffPath} exec img echo ok`);
    expect([code, stdout]).toEqual([0, "ok\n"]);
  });
});

describe("standard streams", () => {
  for (const closed of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
    for (const flags of ["", "--pid"]) {
      testUnless(lack)(`${closed} ${flags}`, async () => {
        const { stdout } = await bash(
          `${skiffPath} exec ${flags} -B ${dir}:/out img sh -c 'echo ran > /out/ran; exit 6' ${closed}; echo $?; cat ran; rm ran`,
        );
        expect(stdout).toBe("6\nran\n");
      });
    }
  }
  testUnless(lack)("a pipe in and a pipe out", async () => {
    const { stdout } = await bash(`seq 100000 | ${skiffPath} exec img cat | tail -n 1`);
    expect(stdout).toBe("100000\n");
  });
  testUnless(firstReason(lack, noFuse()))("a reader that leaves early ends it", async () => {
    const { stdout } = await bash(
      `${skiffPath} exec img.sqfs sh -c 'while :; do echo y; done' | head -n 1`,
      { timeoutMs: 10_000 },
    );
    expect(stdout).toBe("y\n");
  });
  testUnless(firstReason(lack, noFuse()))(
    "nothing holds the pipe when the program is gone",
    async () => {
      const { stdout } = await bash(`${skiffPath} exec img.sqfs echo out | cat`, {
        timeoutMs: 10_000,
      });
      expect(stdout).toBe("out\n");
    },
  );
  testUnless(lack)("descriptors of the caller are open inside, also high ones", async () => {
    const { stdout } = await bash(
      `mkdir -p data; echo hello > data/f; exec 9<data/f 200<data/f; ${skiffPath} exec img sh -c 'cat <&9; cat /proc/self/fd/200'`,
    );
    expect(stdout).toBe("hello\nhello\n");
  });
  // 3 is the directory that the shell itself reads.
  testUnless(firstReason(lack, noFuse()))("and no others", async () => {
    const { stdout } = await bash(
      `exec 9</dev/null; ${skiffPath} exec img.sqfs sh -c 'cd /proc/$$/fd && echo *'`,
    );
    expect(stdout).toBe("0 1 2 3 9\n");
  });
  testUnless(lack)("a background process outlives the program", async () => {
    const { code, stdout } = await bash(
      `${skiffPath} exec -B ${dir}:/out img sh -c '(sleep 0.5; cat /etc/group > /dev/null && echo late > /out/late) >/dev/null 2>&1 & echo now'; sleep 1.2; cat late`,
    );
    expect([code, stdout]).toEqual([0, "now\nlate\n"]);
  });
  testUnless(firstReason(lack, noFuse()))("also out of a packed image", async () => {
    const { code, stdout } = await bash(
      `${skiffPath} exec -B ${dir}:/out img.sqfs sh -c '(sleep 0.5; cat /bin/mounts > /out/copy) >/dev/null 2>&1 & echo now'; sleep 1.2; grep -c awk copy`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^now\n[1-9]/);
  });
});

/** In KiB. The plan and the environment are longer. */
describe("a limit on the size of files", () => {
  const long = "A=$(printf %0100000d 1) B=$(printf %0100000d 2)";
  for (const limit of ["-f 1", "-Sf 4"]) {
    testUnless(lack)(`ulimit ${limit}: the launch works, the program has the limit`, async () => {
      const { code, stdout, stderr } = await bash(
        `export ${long}; ulimit ${limit}; ${skiffPath} exec img sh -c 'ulimit -f; echo \${#A} \${#B}'`,
      );
      const blocks = limit.endsWith("1") ? 2 : 8;
      expect([code, stdout], stderr).toEqual([0, `${blocks}\n100000 100000\n`]);
    });
  }
  testUnless(lack)("ulimit -f 0: one line, not a signal", async () => {
    const { code, stderr } = await bash(`ulimit -f 0; ${skiffPath} exec img true`);
    expect([code, stderr]).toEqual([255, expect.stringMatching(/^FATAL: .*File too large.*\n$/i)]);
  });
});
