import { expect, test } from "bun:test";
import { parseDefinition } from "../../format/deffile/parse.ts";
import { recipeOf } from "../../format/deffile/recipe.ts";
import type { Stage } from "../stage.ts";
import { archCommands } from "./arch.ts";
import { dnfCommand, dnfConfiguration } from "./dnf.ts";
import { zypperCommands } from "./zypper.ts";

/* The command lines are those of the peer, seen by tools that wrote down how they were called. */

type Wanted = Pick<Stage, "recipe" | "root" | "options" | "ports">;

function stageWith(
  text: string,
  env: Record<string, string> = {},
  tools: readonly string[] = ALL,
): Stage {
  const [recipe] = recipeOf(parseDefinition(text).definition).stages;
  if (recipe === undefined) throw new Error("no stage");
  const ports = {
    env,
    tool: (name: string) => (tools.includes(name) ? name : undefined),
  };
  // Only these members are looked at where nothing is run.
  return { recipe, root: "/R", options: { arch: "amd64" }, ports } as unknown as Wanted as Stage;
}

const ALL = ["dnf", "yum", "rpm", "zypper", "SUSEConnect", "pacstrap", "arch-chroot", "pacman"];
const MIRROR = "OSVersion: 9\nMirrorURL: http://m.example/%{OSVERSION}/os\n";

test("dnf gets the configuration file, the release and the packages", () => {
  const stage = stageWith(`Bootstrap: yum\n${MIRROR}Include: vim  less\nSetopt: a=b\n`, {
    INCLUDE: "x",
  });
  expect(dnfCommand(stage).argv.join(" ")).toBe(
    "dnf --noplugins -c /R/etc/bootstrap-yum.conf --installroot /R --releasever=9 -y --setopt a=b install /etc/redhat-release coreutils vim less x",
  );
  expect(dnfCommand(stageWith(`Bootstrap: dnf\n${MIRROR}`, {}, ["yum"])).tool).toBe("yum");
});

test("dnf's configuration names the mirrors, and checks signatures where there is a key", () => {
  const text = `Bootstrap: yum\n${MIRROR}UpdateURL: http://u.example/%{OSVERSION}\n`;
  const plain = dnfConfiguration(stageWith(text));
  expect(plain).toEndWith(
    "deltarpm=0\n\n[base]\nname=Linux $releasever - $basearch\nbaseurl=http://m.example/9/os\nenabled=1\ngpgcheck=0\n" +
      "[updates]\nname=Linux $releasever - $basearch updates\nbaseurl=http://u.example/9\nenabled=1\ngpgcheck=0\n",
  );
  expect(
    dnfConfiguration(stageWith(text, { GPG: "https://k.example/k" })).match(/gpgcheck=1/g)?.length,
  ).toBe(3);
  expect(() => dnfConfiguration(stageWith(text, { GPG: "http://k.example/k" }))).toThrow("https");
});

test("zypper gets the repositories in order, then installs", () => {
  const text = `Bootstrap: zypper\n${MIRROR}UpdateURL: http://u.example\nOtherURL1: http://b\nOtherURL0: http://a\nInclude: vim\n`;
  expect(zypperCommands(stageWith(text)).map((argv) => argv.join(" "))).toEqual([
    "zypper --root /R ar http://m.example/9/os repo",
    "zypper --root /R --gpg-auto-import-keys refresh",
    "zypper --root /R ar -f http://u.example update",
    "zypper --root /R --gpg-auto-import-keys refresh -r update",
    "zypper --root /R ar -f http://a repo-0",
    "zypper --root /R --gpg-auto-import-keys refresh -r repo-0",
    "zypper --root /R ar -f http://b repo-1",
    "zypper --root /R --gpg-auto-import-keys refresh -r repo-1",
    "zypper --non-interactive -c /R/etc/zypp/zypp.conf --root /R --releasever=9 -n install --auto-agree-with-licenses --download-in-advance aaa_base vim",
  ]);
});

test("zypper registers a SUSE Linux Enterprise", () => {
  const head = "Bootstrap: zypper\nOSVersion: 12.4\nProduct: SLES\n";
  const text = `${head}User: u\nRegcode: c\nRegisterURL: https://r\nModules: m1, m2\n`;
  expect(
    zypperCommands(stageWith(text))
      .map((argv) => argv.join(" "))
      .slice(0, 3),
  ).toEqual([
    "SUSEConnect --root /R --product SLES --email u --regcode c --url https://r",
    "SUSEConnect --root /R --product m1/12.4/x86_64",
    "SUSEConnect --root /R --product m2/12.4/x86_64",
  ]);
  expect(() => zypperCommands(stageWith(head))).toThrow("'User', 'Regcode' and 'OSVersion'");
  expect(() => zypperCommands(stageWith(text.replace("12.4", "15.5")))).toThrow(
    "'MirrorURL' must be defined",
  );
});

test("pacstrap gets the configuration file and the packages, then the keys are made", () => {
  expect(
    archCommands(stageWith("Bootstrap: arch\nInclude: vim less\n"), "/c").map((a) => a.join(" ")),
  ).toEqual([
    "pacstrap -C /c -c -G -M /R haveged vim less",
    "arch-chroot /R /bin/sh -c haveged -w 1024; pacman-key --init; pacman-key --populate archlinux",
    "arch-chroot /R pacman -Rs --noconfirm haveged",
  ]);
});

test("a missing tool is named, with the package to install", () => {
  const hintOf = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return `${(error as Error).message}; ${(error as { hint?: string }).hint}`;
    }
    return "";
  };
  const none = (text: string): Stage => stageWith(text, {}, []);
  expect(hintOf(() => dnfCommand(none(`Bootstrap: dnf\n${MIRROR}`)))).toBe(
    "conveyor failed to get: neither dnf nor yum in path; install the package dnf",
  );
  expect(hintOf(() => zypperCommands(none("Bootstrap: zypper\n")))).toBe(
    "conveyor failed to get: zypper is not in PATH; install the package zypper",
  );
  expect(hintOf(() => archCommands(none("Bootstrap: arch\n"), "/c"))).toBe(
    "conveyor failed to get: pacstrap is not in PATH; install the package arch-install-scripts",
  );
});

test("a version that an address needs must be there", () => {
  expect(() => dnfCommand(stageWith("Bootstrap: dnf\nMirrorURL: http://m/%{OSVERSION}\n"))).toThrow(
    "OSVersion referenced in mirrorurl",
  );
});
