import { describe, expect, test } from "bun:test";
import type { HostFacts, ImageFacts } from "../../src/plan/facts.ts";
import { lower } from "../../src/plan/lower/lower.ts";
import {
  given,
  madeUpHost,
  madeUpImage,
  mountPointPaths,
  planOf,
} from "../support/made-up-launch.ts";

/** Which layer stands over the image, and who serves it (reference: runtime.md 4.6). */
const oldKernel: Partial<HostFacts> = { kernel: "4.18.0", kernelVersion: [4, 18] };

/** An ext3 file that may be written, as an overlay. */
const ext3: ImageFacts = madeUpImage({
  path: "/data/o.ext3",
  format: "ext3",
  rootKind: "ext3",
  root: { kind: "ext3", offsetBytes: 0, sizeBytes: 0 },
});

function withTools(...names: string[]): HostFacts {
  const tool = (name: string): string | undefined =>
    names.includes(name) ? `/usr/bin/${name}` : undefined;
  return madeUpHost({ tool });
}

describe("the layer", () => {
  test("is overlay by default, with the missing mount points", () => {
    const { root } = planOf({ request: { binds: [given("/data:/new/place")] } });
    expect([root.layer, root.overlayTool]).toEqual(["overlay", undefined]);
    expect(mountPointPaths(planOf({ request: { binds: [given("/data:/new/place")] } }))).toContain(
      "/new/place",
    );
  });

  test("is underlay where the kernel refuses overlays to users", () => {
    const { root } = planOf({
      host: madeUpHost(oldKernel),
      request: { binds: [given("/data:/new/place")] },
    });
    expect(root.layer).toBe("underlay");
    expect(root.why).toContain("4.18.0");
    expect(root.underlay.map((entry) => entry.path)).toContain("/new/place");
  });

  test("is overlay for root on the same kernel", () => {
    const host = madeUpHost({ ...oldKernel, uid: 0, isRealRoot: true, capabilities: 2 ** 41 - 1 });
    expect(planOf({ host, request: { binds: [given("/data:/new/place")] } }).root.layer).toBe(
      "overlay",
    );
  });

  test("is none where every mount point is there", () => {
    const { root } = planOf({ request: { noHome: true, noMount: ["cwd", "bind-paths"] } });
    expect(root.layer).toBe("none");
  });

  test("that takes writes is served by fuse-overlayfs on an old kernel", () => {
    const host = madeUpHost({
      ...oldKernel,
      tool: withTools("squashfuse_ll", "fuse-overlayfs").tool,
    });
    const { root } = planOf({ host, request: { writableTmpfs: true } });
    expect(root.layer).toBe("overlay");
    expect(root.overlayTool?.path).toBe("/usr/bin/fuse-overlayfs");
  });

  test("fuse-overlayfs is asked for by name where it is missing", () => {
    const host = madeUpHost({ ...oldKernel, tool: withTools("squashfuse_ll").tool });
    expect(() => planOf({ host, request: { writableTmpfs: true } })).toThrow(
      "fuse-overlayfs is not installed",
    );
  });

  test("enable overlay = driver means fuse-overlayfs always", () => {
    const host = withTools("squashfuse_ll", "fuse-overlayfs");
    const { root } = planOf({ host, config: { enableOverlay: "driver" } });
    expect(root.overlayTool?.why).toBe("enable overlay = driver");
  });

  test("a writable ext3 overlay is FUSE under FUSE; the session is shown to it and hidden again", () => {
    const host = withTools("squashfuse_ll", "fuse2fs", "fuse-overlayfs");
    const plan = planOf({
      host,
      volumes: new Map([["/data/o.ext3", ext3]]),
      request: { overlays: ["/data/o.ext3"] },
    });
    expect(plan.root.readOnly).toBe(false);
    const ops = lower(plan, {
      base: "/tmp",
      pid: 1,
      shellFd: -1,
      shellPath: "",
      says: { info: true, warnings: true },
    }).map(({ op }) => op);
    const at = ops.findIndex((op) => op.kind === "fuse" && op.subtype === "fuse-overlayfs");
    expect(ops[at - 1]).toMatchObject({ kind: "bind", source: "/", root: "/host", target: "/tmp" });
    expect(ops[at]).toMatchObject({
      target: "/root",
      argv: expect.arrayContaining([
        expect.stringContaining("upperdir=/tmp/overlay/0/upper,workdir=/tmp/overlay/0/work"),
      ]),
    });
    expect(ops[at + 1]).toMatchObject({ kind: "umount", target: "/host/tmp" });
  });

  test("the same overlay read-only is the kernel's", () => {
    const { root } = planOf({
      volumes: new Map([["/data/o.ext3", ext3]]),
      request: { overlays: ["/data/o.ext3:ro"] },
    });
    expect([root.overlayTool, root.readOnly]).toEqual([undefined, true]);
  });
});
