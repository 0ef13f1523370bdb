import { describe, expect, test } from "bun:test";
import type { LaunchRequest } from "../../src/plan/request.ts";
import {
  given,
  HOST_TREE,
  IMAGE_TREE,
  madeUpHost,
  madeUpImage,
  mountLines,
  mountPointPaths,
  planOf,
} from "../support/made-up-launch.ts";

const BIND = "nosuid,nodev";

describe("default mounts", () => {
  test("a plain launch shows kernel, devices, times, home, temporary and identity files", () => {
    expect(mountLines(planOf())).toEqual([
      `/proc <- /proc ${BIND}`,
      `/sys <- /sys ${BIND}`,
      "/dev <- /dev",
      `/etc/localtime <- /usr/share/zoneinfo/UTC ${BIND}`,
      `/etc/hosts <- /etc/hosts ${BIND}`,
      `/home/ann <- /home/ann ${BIND}`,
      `/tmp <- /tmp ${BIND}`,
      `/var/tmp <- /var/tmp ${BIND}`,
      "/etc/resolv.conf staged",
      "/etc/passwd staged",
      "/etc/group staged",
    ]);
  });

  test("missing mount points are made in a layer over the image, existing ones are not", () => {
    expect(mountPointPaths(planOf())).toEqual(["/etc/localtime", "/home/ann"]);
  });

  test("a working directory outside the home is mounted, and made when the image lacks it", () => {
    const plan = planOf({ host: madeUpHost({ cwd: "/data" }) });
    expect(mountLines(plan)).toContain(`/data <- /data ${BIND}`);
    expect(mountPointPaths(plan)).toContain("/data");
    expect(plan.cwd.candidates).toEqual(["/data", "/home/ann", "/"]);
  });

  const requests: readonly Partial<LaunchRequest>[] = [
    { binds: [given("/data:/home/ann")] },
    { home: "/data:/home/ann" },
    { scratch: ["/home/ann"] },
  ];
  for (const request of requests) {
    test(`it does not cover what the user put there: ${Object.keys(request)}`, () => {
      const plan = planOf({ request, host: madeUpHost({ cwd: "/home/ann" }) });
      expect(plan.mounts.filter((m) => m.why === "the working directory")).toEqual([]);
      expect(plan.cwd.candidates[0]).toBe("/home/ann");
    });
  }

  test("it is made in a directory of the user that lacks it, and left out where that fails", () => {
    const mount = planOf({ request: { home: "/data:/home/ann" } }).mounts.at(-1);
    expect(mount).toMatchObject({ target: "/home/ann/run", create: true, optional: true });
  });

  test("the home is no way out of itself", () => {
    const plan = planOf({ request: { noHome: true }, host: madeUpHost({ cwd: "/home/ann" }) });
    expect(plan.cwd.candidates).toEqual(["/home/ann", "/"]);
  });

  describe("behind a link", () => {
    const tree = { ...HOST_TREE, "/alias": { link: "/data" } } as const;
    const host = madeUpHost({ cwd: "/data", logicalCwd: "/alias" }, tree);

    test("that the container lacks it has both names, and the program starts by the caller's", () => {
      const plan = planOf({ host });
      expect(mountLines(plan)).toContain(`/data <- /data ${BIND}`);
      expect(mountLines(plan)).toContain(`/alias <- /data ${BIND}`);
      expect(plan.cwd.candidates[0]).toBe("/alias");
    });

    test("that leads elsewhere in the image it has its own name only", () => {
      const image = madeUpImage({}, { ...IMAGE_TREE, "/alias": { link: "/opt" } });
      const plan = planOf({ host, image });
      expect(plan.mounts.some((m) => m.target === "/alias" || m.target === "/opt")).toBe(false);
      expect(plan.cwd.candidates[0]).toBe("/data");
    });
  });

  for (const cwd of ["/", "/etc", "/usr", "/opt", "/sys", "/proc/1"]) {
    test(`a working directory of the system is never mounted: ${cwd}`, () => {
      const tree = { ...HOST_TREE, "/proc/1": "dir", "/usr": "dir", "/opt": "dir" } as const;
      const plan = planOf({ host: madeUpHost({ cwd }, tree) });
      expect(plan.mounts.filter((m) => m.why === "the working directory")).toEqual([]);
    });
  }

  test("/var/tmp is left out where it leads to /tmp in the image", () => {
    const image = madeUpImage({}, { ...IMAGE_TREE, "/var/tmp": { link: "/tmp" } });
    expect(mountLines(planOf({ image })).filter((l) => l.includes("tmp"))).toEqual([
      `/tmp <- /tmp ${BIND}`,
    ]);
  });

  test("a zone link of the image does not lose its own file", () => {
    const image = madeUpImage(
      {},
      {
        ...IMAGE_TREE,
        "/usr/share/zoneinfo/Asia": { file: "" },
        "/etc/localtime": { link: "/usr/share/zoneinfo/Asia" },
      },
    );
    const plan = planOf({ image });
    expect(mountLines(plan)).toContain(`/etc/localtime <- /usr/share/zoneinfo/UTC ${BIND}`);
    expect(mountPointPaths(plan)).toContain("/etc/localtime");
  });
});

describe("flags that change mounts", () => {
  test("--contain gives a private /dev, empty home and tmp, no working directory", () => {
    const plan = planOf({ request: { contain: true } });
    expect(mountLines(plan)).toEqual([
      `/proc <- /proc ${BIND}`,
      `/sys <- /sys ${BIND}`,
      "/dev minimal null zero random urandom tty",
      `/etc/localtime <- /usr/share/zoneinfo/UTC ${BIND}`,
      `/etc/hosts <- /etc/hosts ${BIND}`,
      "/home/ann empty 755",
      "/tmp empty 1777",
      "/var/tmp empty 1777",
      "/etc/resolv.conf staged",
      "/etc/passwd staged",
      "/etc/group staged",
    ]);
    expect(plan.cwd.candidates).toEqual(["/home/ann", "/"]);
  });

  test("--containall adds PID and IPC namespaces and a fresh /proc", () => {
    const plan = planOf({ request: { containAll: true } });
    expect([plan.namespaces.pid, plan.namespaces.ipc, plan.namespaces.uts]).toEqual([
      true,
      true,
      false,
    ]);
    expect(mountLines(plan)[0]).toBe("/proc proc");
  });

  test("--no-home leaves the home out but a working directory below it appears", () => {
    const lines = mountLines(planOf({ request: { noHome: true } }));
    expect(lines).not.toContain(`/home/ann <- /home/ann ${BIND}`);
    expect(lines).toContain(`/home/ann/run <- /home/ann/run ${BIND}`);
  });

  test("--home SRC:DST is mounted there also with --contain, and passwd names it", () => {
    const plan = planOf({ request: { home: "/data:/h", contain: true } });
    expect(mountLines(plan)).toContain(`/h <- /data ${BIND}`);
    const passwd = plan.mounts.find((m) => m.kind === "staged-file" && m.target === "/etc/passwd");
    expect(passwd?.kind === "staged-file" && passwd.content).toContain(
      "ann:x:1000:1000:Ann:/h:/bin/bash\n",
    );
  });

  for (const [word, target] of [
    ["proc", "/proc"],
    ["sys", "/sys"],
    ["dev", "/dev"],
    ["home", "/home/ann"],
    ["tmp", "/tmp"],
    ["/etc/hosts", "/etc/hosts"],
    ["/etc/resolv.conf", "/etc/resolv.conf"],
  ] as const) {
    test(`--no-mount ${word} leaves ${target} out`, () => {
      const plan = planOf({ request: { noMount: [word] } });
      expect(plan.mounts.some((m) => m.target === target)).toBe(false);
    });
  }

  test("--no-mount with an unknown word warns", () => {
    expect(planOf({ request: { noMount: ["bogus"] } }).notices).toContainEqual({
      level: "warning",
      text: "Ignoring unknown mount type 'bogus'",
    });
  });

  test("--workdir with --contain uses directories below it, made with the peer's modes", () => {
    const plan = planOf({ request: { contain: true, workdir: "/data", scratch: ["/s"] } });
    const made = plan.mounts.flatMap((m) =>
      m.kind === "bind" && m.make !== undefined
        ? [`${m.target} ${m.source} ${m.make.mode.toString(8)}`]
        : [],
    );
    expect(made).toEqual([
      "/home/ann /data/home 700",
      "/tmp /data/tmp 1777",
      "/var/tmp /data/var_tmp 1777",
      "/s /data/scratch/s 750",
    ]);
  });
});

describe("user binds", () => {
  test("a destination that the image lacks is made, parents too", () => {
    const plan = planOf({ request: { binds: [given("/data:/a/b/c:ro")] } });
    expect(mountLines(plan)).toContain("/a/b/c <- /data ro,nosuid,nodev");
    expect(mountPointPaths(plan)).toEqual(expect.arrayContaining(["/a", "/a/b", "/a/b/c"]));
  });

  test("a destination below another bind is made there, not in the image", () => {
    const plan = planOf({ request: { binds: [given("/data:/opt"), given("/tmp:/opt/new")] } });
    const bind = plan.mounts.find((m) => m.target === "/opt/new");
    expect(bind).toMatchObject({ kind: "bind", create: true });
    expect(mountPointPaths(plan)).not.toContain("/opt/new");
  });

  test("a directory comes before what is bound into it, whatever their order", () => {
    const plan = planOf({ request: { binds: [given("/tmp:/opt/new"), given("/data:/opt")] } });
    const targets = plan.mounts.map((m) => m.target);
    expect(targets.indexOf("/opt")).toBeLessThan(targets.indexOf("/opt/new"));
    expect(mountPointPaths(plan)).not.toContain("/opt/new");
  });

  for (const request of [
    { scratch: ["/scratch"], binds: [given("/data:/scratch/dir")] },
    { contain: true, binds: [given("/data:/tmp/dir")] },
    { home: "/tmp:/home/ann", binds: [given("/data:/home/ann/dir")] },
    { cleanEnv: true, binds: [given("/home"), given("/data:/home/ann/dir")] },
    { hostname: "box", uts: true, binds: [given("/data:/etc")] },
  ]) {
    test(`no other mount follows a bind and covers it: ${Object.keys(request)}`, () => {
      const { mounts } = planOf({ request });
      const at = mounts.findIndex((m) => m.kind === "bind" && m.source === "/data");
      expect(at).toBeGreaterThan(0);
      const later = mounts.slice(at + 1).map((m) => m.target);
      expect(later.filter((t) => !t.startsWith("/home/ann/run"))).toEqual([]);
    });
  }

  test("a home in /tmp is mounted after it", () => {
    const lines = mountLines(planOf({ request: { home: "/data:/tmp/h" } }));
    expect(lines.indexOf(`/tmp/h <- /data ${BIND}`)).toBeGreaterThan(
      lines.indexOf(`/tmp <- /tmp ${BIND}`),
    );
  });

  test("a bind over the parent of the home gives the home, which is made there", () => {
    const plan = planOf({ request: { binds: [given("/data:/home:ro")] } });
    expect(plan.mounts.filter((m) => m.target === "/home/ann")).toMatchObject([
      {
        source: "/data/ann",
        flags: ["ro", "nosuid", "nodev"],
        make: { mode: 0o755, below: "/data" },
        optional: true,
      },
    ]);
  });

  test("links of the image are followed inside it", () => {
    const image = madeUpImage(
      {},
      { ...IMAGE_TREE, "/usr/lib": "dir", "/lib": { link: "usr/lib" } },
    );
    const plan = planOf({ image, request: { binds: [given("/data:/lib/x")] } });
    expect(mountLines(plan)).toContain(`/usr/lib/x <- /data ${BIND}`);
  });

  test("the same destination twice: the first wins, with a warning", () => {
    const plan = planOf({ request: { binds: [given("/data:/opt"), given("/tmp:/opt")] } });
    expect(mountLines(plan).filter((l) => l.startsWith("/opt "))).toEqual([
      `/opt <- /data ${BIND}`,
    ]);
    expect(plan.notices[0]?.text).toBe(
      "While bind mounting '/tmp:/opt': destination is already in the mount point list",
    );
  });

  test("the same place by another name: the last covers it", () => {
    const image = madeUpImage({}, { ...IMAGE_TREE, "/var": "dir", "/var/opt": { link: "/opt" } });
    const plan = planOf({
      image,
      request: { binds: [given("/data:/opt"), given("/tmp:/var/opt"), given("/etc:/opt/")] },
    });
    expect(mountLines(plan).filter((l) => l.startsWith("/opt "))).toEqual([
      `/opt <- /data ${BIND}`,
      `/opt <- /etc ${BIND}`,
      `/opt <- /tmp ${BIND}`,
    ]);
  });

  test("a bind on a default's place takes it", () => {
    const plan = planOf({ request: { binds: [given("/data:/tmp")] } });
    expect(mountLines(plan).filter((l) => l.startsWith("/tmp "))).toEqual([
      `/tmp <- /data ${BIND}`,
    ]);
  });

  test("a missing source is named", () => {
    expect(() => planOf({ request: { binds: [given("/nosuch:/opt")] } })).toThrow(
      "mount source /nosuch doesn't exist",
    );
  });

  test("a file cannot be bound on a directory", () => {
    expect(() => planOf({ request: { binds: [given("/data/file:/opt")] } })).toThrow("/opt");
  });

  test("a relative destination is refused", () => {
    expect(() => planOf({ request: { binds: [given("/data:opt")] } })).toThrow(
      "destination must be an absolute path",
    );
  });
});

describe("layers", () => {
  test("a sandbox with --writable has no layer, and cannot get mount points", () => {
    const image = madeUpImage({
      path: "/img/dir",
      format: "directory",
      rootKind: "directory",
      root: { kind: "raw", offsetBytes: 0, sizeBytes: 0 },
    });
    const plan = planOf({ image, request: { writable: true } });
    expect([plan.root.layer, plan.root.readOnly]).toEqual(["none", false]);
    expect(() =>
      planOf({ image, request: { writable: true, binds: [given("/data:/nosuch")] } }),
    ).toThrow("destination /nosuch doesn't exist in container");
  });

  test("a squashfs image cannot be written", () => {
    expect(() => planOf({ request: { writable: true } })).toThrow(
      "no SIF writable overlay partition found",
    );
  });

  test("neither can one whose layers are all squashfs", () => {
    const image = madeUpImage();
    const { root, tree } = image;
    const layered = { ...image, overlays: [{ ...root, kind: "squashfs", id: 2, tree } as const] };
    expect(() => planOf({ image: layered, request: { writable: true } })).toThrow(
      "no SIF writable overlay partition found",
    );
  });

  test("before kernel 5.11 a user gets an underlay", () => {
    const plan = planOf({ host: madeUpHost({ kernel: "4.18.0", kernelVersion: [4, 18] }) });
    expect(plan.root.layer).toBe("underlay");
    expect(plan.root.underlay).toContainEqual({ kind: "bind", path: "/bin", isDir: true });
    expect(plan.root.underlay).toContainEqual({ kind: "dir", path: "/home/ann", mode: 0o755 });
  });

  test("no layer is used when the image has every mount point", () => {
    const image = madeUpImage(
      {},
      { ...IMAGE_TREE, "/home/ann": "dir", "/etc/localtime": { file: "" } },
    );
    expect(planOf({ image }).root.layer).toBe("none");
  });

  test("--overlay and --writable exclude each other", () => {
    expect(() => planOf({ request: { writable: true, overlays: ["/data"] } })).toThrow(
      "cannot use --overlay in conjunction with --writable",
    );
  });
});
