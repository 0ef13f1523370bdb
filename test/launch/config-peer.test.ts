import { describe } from "bun:test";
import { peerLab } from "./peer-lab.ts";

/** Directives of the configuration file that change what a container sees (reference: runtime.md 11). */
const { same } = peerLab();

describe("the mount table with", () => {
  const rows: readonly (readonly [string, ...string[]])[] = [
    ["# nothing"],
    ["bind path = /etc/hosts"],
    ["bind path = @lab/data:/site,/etc/hosts"],
    ["bind path = /no/such:/site"],
    ["bind path = @lab/data:/site", "--contain"],
    ["bind path = @lab/data:/site", "--no-mount", "/site"],
    ["bind path = @lab/data:/site", "--no-mount", "bind-paths"],
    ["bind path = @lab/data:/site", "--contain", "--no-mount", "bind-paths"],
    ["bind path = @lab/data:/site", "--contain", "--no-mount", "/etc/hosts"],
    ["mount proc = no"],
    ["mount sys = no"],
    ["mount dev = no"],
    ["mount dev = minimal"],
    ["mount devpts = no", "--contain"],
    ["mount home = no"],
    ["mount home = no", "--home", "@own:/users/me"],
    ["mount tmp = no"],
    ["mount tmp = no", "--contain"],
    ["config passwd = no"],
    ["config group = no"],
    ["config resolv_conf = no"],
    ["user bind control = no", "--bind", "@lab/data:/a"],
    ["enable overlay = no"],
    ["allow pid ns = no", "--pid"],
    ["allow ipc ns = no", "--ipc"],
    ["allow uts ns = no", "--hostname", "box"],
  ];
  for (const [line, ...flags] of rows) {
    same([line, ...flags].join(" "), {
      before: `echo '${line}' > @own/site.conf`,
      words: ["--config", "@own/site.conf", "exec", ...flags, "@img", "mounts"],
    });
  }
});

describe("values that are no mounts", () => {
  same("a value outside its set", {
    before: "echo 'mount dev = maybe' > @own/site.conf",
    words: ["--config", "@own/site.conf", "exec", "@img", "true"],
    code: 255,
  });
  same("an unknown directive", {
    before: "echo 'colour = red' > @own/site.conf",
    words: ["--config", "@own/site.conf", "exec", "@img", "echo", "ok"],
    prints: "ok",
  });
  for (const line of [
    "allow container dir = no",
    "allow container sif = no",
    "allow user ns = no",
  ]) {
    for (const image of ["@img", "@sif"]) {
      same(`${line}, ${image}`, {
        before: `echo '${line}' > @own/site.conf`,
        words: ["--config", "@own/site.conf", "exec", image, "echo", "ok"],
      });
    }
  }
  same("sessiondir max size bounds --writable-tmpfs", {
    before: "echo 'sessiondir max size = 4' > @own/site.conf",
    words: [
      ...["--config", "@own/site.conf", "exec", "--writable-tmpfs", "@img", "sh", "-c"],
      "dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; test $(stat -c %s /big) -lt 4194304 && echo bounded",
    ],
    prints: "bounded",
  });
});
