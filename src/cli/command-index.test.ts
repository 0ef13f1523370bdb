import { describe, expect, test } from "bun:test";
import { COMMAND_NAMES, findCommand, loadAllCommands } from "./command-index.ts";
import { unpackFlags } from "./flag-index.ts";
import { ROOT } from "./root.ts";
import type { CommandSpec } from "./spec.ts";

/** Every command and sub-command with its path. */
function flatten(
  commands: readonly CommandSpec[],
  path: readonly string[] = [],
): readonly (readonly [string, CommandSpec])[] {
  return commands.flatMap((command) => {
    const here = [...path, command.name];
    return [[here.join(" "), command] as const, ...flatten(command.commands ?? [], here)];
  });
}

const commands = await loadAllCommands();
const all = flatten(commands);

test("findCommand() finds every command of the index, and no other name", async () => {
  expect(commands.map((command) => command.name)).toEqual([...COMMAND_NAMES].sort());
  for (const name of COMMAND_NAMES) expect((await findCommand(name))?.name).toBe(name);
  for (const name of ["", "bogus", "toString", "__proto__"]) {
    expect(await findCommand(name)).toBeUndefined();
  }
});

describe.each([["(program)", ROOT] as const, ...all])("%s", (_path, command) => {
  test("has no two flags of one spelling, and leaves -h and --help alone", () => {
    const names = command.flags.flatMap((flag) => [
      flag.name,
      ...(flag.aliases ?? []).map((alias) => alias.name),
    ]);
    const shorts = command.flags.flatMap((flag) => flag.short ?? []);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(shorts).size).toBe(shorts.length);
    expect(names).not.toContain("help");
    expect(shorts).not.toContain("h");
    for (const short of shorts) expect(short).toMatch(/^[A-Za-z]$/);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
  });

  test("has no two flags that one variable sets", () => {
    const suffixes = command.flags.flatMap((flag) => flag.env ?? []);
    expect(new Set(suffixes).size).toBe(suffixes.length);
    for (const suffix of suffixes) expect(suffix).toMatch(/^[A-Z][A-Z0-9_]*$/);
    for (const { bareEnv = [], env = [] } of command.flags) {
      for (const name of bareEnv) expect(env).toContain(name);
    }
  });

  test("is described in the style of the house", () => {
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
    for (const flag of command.flags) expect(flag.help).not.toMatch(/^[A-Z][a-z ]|\.$/);
  });

  test("holds its packed flags as they are in the table", () => {
    if (command.packed !== undefined) expect(unpackFlags(command.packed)).toEqual(command.flags);
    for (const flag of command.flags) expect(JSON.parse(JSON.stringify(flag))).toEqual(flag);
  });

  test("takes a sensible number of words", () => {
    const { min, max = min, values = [] } = command.args;
    expect(max).toBeGreaterThanOrEqual(min);
    if (command.args.max !== undefined) expect(values.length).toBeLessThanOrEqual(max);
  });
});

/** What callers of the reference tools write; a name that goes missing breaks them. */
describe("the table has the flags that callers of the reference tools use", () => {
  const ACTION =
    "add-caps allow-setuid app apply-cgroups authfile bind blkio-weight blkio-weight-device cdi-dirs cleanenv compat contain containall containlibs cpu-shares cpus cpuset-cpus cpuset-mems cwd data device disable-cache dns docker-host docker-login docker-password docker-username drop-caps env env-file fakeroot fusemount home hostname ignore-fakeroot-command ignore-subuid ignore-userns intel-hpu ipc keep-layers keep-privs memory memory-reservation memory-swap mount net netns-path network network-args no-compat no-env no-eval no-home no-https no-init no-mount no-nv no-oci no-pid no-privs no-rocm no-setgroups no-tmp-sandbox no-umask nv nvccli oci oom-kill-disable overlay passphrase pem-path pid pids-limit platform proot rocm runscript-timeout scratch security sharens sif-fuse tmpdir underlay unsquash userns uts workdir writable writable-tmpfs arch";
  /** What no reference tool has. */
  const OWN = [
    ...[
      "offline",
      "progress",
      "no-cache",
      "cache-from",
      "verify",
      "shell-on-failure",
      "source-date-epoch",
    ],
    ...["only-env", "share-ranks", "no-sbom", "sbom", "context", "secret", "target", "policy"],
    ...["provenance", "cosign-key"],
  ];
  const FOREGROUND = ["cwd", "pid", "no-pid", "sharens"];
  const cases: readonly (readonly [string, string])[] = [
    ["exec", ACTION],
    ["run", ACTION],
    ["test", ACTION],
    ["shell", `${ACTION} shell`],
    [
      "instance start",
      `${ACTION.split(" ")
        .filter((name) => !FOREGROUND.includes(name))
        .join(" ")} boot pid-file dmtcp-launch dmtcp-restart`,
    ],
    [
      "build",
      "sandbox force update section check notest json fakeroot userns fix-perms encrypt passphrase pem-path bind mount nv rocm nvccli writable-tmpfs build-arg build-arg-file warn-unused-build-args mksquashfs-args arch arch-variant platform library disable-cache no-cleanup no-https docker-login docker-host authfile docker-username docker-password tmpdir ignore-subuid ignore-userns ignore-fakeroot-command ignore-proot remote builder detached data reproducible buildkit-host oci no-oci keep-layers no-setgroups",
    ],
    [
      "pull",
      "force dir name arch arch-variant platform library sandbox disable-cache allow-unsigned no-cleanup no-https docker-login docker-host authfile docker-username docker-password tmpdir reproducible oci no-oci keep-layers with-cosign",
    ],
    [
      "inspect",
      "labels deffile runscript startscript test helpfile environment list-apps app json all",
    ],
    [
      "verify",
      "group-id sif-id all local url json key certificate certificate-intermediates certificate-roots ocsp-verify legacy-insecure cosign",
    ],
    [
      "sif add",
      "datatype parttype partfs partarch signhash signentity sbomformat groupid link alignment filename",
    ],
    ["instance stop", "all force signal timeout user"],
    ["oci create", "bundle sync-socket empty-process log-path log-format pid-file"],
  ];
  test.each(cases)("%s", (path, names) => {
    const command = all.find(([one]) => one === path)?.[1];
    const have = (command?.flags ?? [])
      .map((flag) => flag.name)
      .filter((name) => !OWN.includes(name));
    expect(have.sort()).toEqual(names.split(" ").sort());
  });

  test.each([
    ["exec", "B c C e f H i n o p S u w W"],
    ["shell", "B c C e f H i n o p S s u w W"],
    ["build", "B d e f F s T u"],
    ["inspect", "d e H j l r s t"],
    ["sign", "a c g i k"],
    ["verify", "a c g i j l u"],
    ["instance list", "a j l u"],
    ["cache clean", "D f n T"],
  ])("%s has the letters %s", (path, letters) => {
    const command = all.find(([one]) => one === path)?.[1];
    const have = (command?.flags ?? []).flatMap((flag) => flag.short ?? []).sort();
    expect(have).toEqual(letters.split(" ").sort());
  });
});
