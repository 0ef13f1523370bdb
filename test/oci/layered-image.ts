import { readFileSync } from "node:fs";
import { BUSYBOX } from "../launch/image-tree.ts";
import { layerArchive } from "./layer-archive.ts";
import { writeLayout } from "./oci-layout.ts";

const PROGRAMS = [
  "sh",
  "cat",
  "echo",
  "env",
  "id",
  "ls",
  "mkdir",
  "pwd",
  "rm",
  "sleep",
  "touch",
  "true",
];

/** What the image of `writeLayeredImage` says about running it. */
export const CONFIG: Readonly<Record<string, unknown>> = {
  Env: ["PATH=/usr/local/bin:/bin", "WORDS=two  words, $HOME `x`"],
  Entrypoint: ["/bin/echo", "entry $HOME"],
  Cmd: ["with", "words"],
  Labels: { "org.example.label": "value 1" },
  WorkingDir: "/work",
};

/**
 * Writes an OCI layout with an image that runs, in three layers of which upper ones remove what lower
 * ones have: `many`; and as `user`, `root`, `nobody`, `4294967296` and `1000700000` with such a `USER`.
 */
export function writeLayeredImage(folder: string): void {
  const file = (path: string, content: string) => ({ path, content });
  const dir = (path: string, mode = 0o755) => ({ path, kind: "dir" as const, mode });
  const base = layerArchive([
    dir("bin"),
    { path: "bin/busybox", content: new Uint8Array(readFileSync(BUSYBOX)), mode: 0o755 },
    ...PROGRAMS.map((name) => ({
      ...{ path: `bin/${name}`, kind: "symlink" as const, link: "busybox" },
    })),
    dir("etc"),
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/sh\n"),
    file("etc/group", "root:x:0:\napp:x:1235:\n"),
    file("etc/gone", "below\n"),
    file("etc/localtime", "below\n"),
    file("home/below", ""),
    file("etc/word", "below\n"),
    dir("over"),
    file("over/old", "old\n"),
    dir("tmp", 0o1777),
    dir("work", 0o777),
  ]);
  const middle = layerArchive([
    dir("etc"),
    file(".wh.home", ""),
    file("etc/.wh.gone", ""),
    file("etc/.wh.localtime", ""),
    file("etc/word", "above\n"),
    dir("over"),
    file("over/.wh..wh..opq", ""),
    file("over/new", "new\n"),
  ]);
  const top = layerArchive([dir("srv"), file("srv/top", "top\n")]);
  const layers = [base, middle, top].map((archive, i) => ({
    archive,
    packing: i === 1 ? ("zstd" as const) : ("gzip" as const),
  }));
  writeLayout(folder, [
    { tag: "many", layers, config: CONFIG },
    ...["app", "root", "nobody", "4294967296", "1000700000"].map((User) => ({
      ...{ tag: User, layers: layers.slice(0, 1), config: { ...CONFIG, User } },
    })),
  ]);
}
