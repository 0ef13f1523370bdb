import { describe, expect, test } from "bun:test";
import { layeredView } from "../../src/base/layered-view.ts";
import { memoryView } from "../support/memory-view.ts";

const image = memoryView(
  {
    "/d/a": { file: "a" },
    "/d/b": { file: "b" },
    "/d/sub/c": { file: "c" },
    "/e/f": { file: "f" },
  },
  "image",
);

describe("layeredView()", () => {
  test("knows whiteouts and opaque directories of fuse-overlayfs", () => {
    const upper = memoryView(
      {
        "/upper/d/.wh.a": { file: "" },
        "/upper/d/sub/.wh..wh..opq": { file: "" },
        "/upper/d/sub/new": { file: "new" },
        "/upper/.wh.e": { file: "" },
      },
      "upper",
    );
    const view = layeredView([
      { view: upper, dir: "/upper" },
      { view: image, dir: "/" },
    ]);
    expect(view.list("/d")).toEqual(["b", "sub"]);
    expect(view.list("/d/sub")).toEqual(["new"]);
    for (const gone of ["/d/a", "/d/sub/c", "/e", "/e/f"]) expect(view.lstat(gone)).toBeUndefined();
    expect(view.lstat("/d/b")?.kind).toBe("file");
    expect(view.lstat("/d/sub/new")?.kind).toBe("file");
  });

  test("knows those of the kernel", () => {
    const upper = memoryView({ "/upper/d/a": "char" }, "upper");
    const view = layeredView([
      { view: upper, dir: "/upper" },
      { view: image, dir: "/" },
    ]);
    expect(view.list("/d")).toEqual(["b", "sub"]);
    expect(view.lstat("/d/a")).toBeUndefined();
  });
});
