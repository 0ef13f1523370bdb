import { readFileSync } from "node:fs";
import { type PackedImage, packImage, type TestImage } from "./test-image.ts";

/** Bytes that no packer makes smaller, the same in each run. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A small image that runs: a shell, two layers, one whiteout, some metadata. */
export function sampleImage(more: Partial<TestImage> = {}): PackedImage {
  return packImage({
    layers: [
      [
        { name: "bin/" },
        { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
        ...["sh", "cat", "echo", "env", "true", "test", "ls", "[", "sed", "id"].map((name) => ({
          name: `bin/${name}`,
          link: "busybox",
        })),
        { name: "etc/" },
        { name: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\n" },
        { name: "etc/group", content: "root:x:0:\n" },
        { name: "etc/gone", content: "from below\n" },
        { name: "etc/word", content: "below\n" },
      ],
      [
        { name: "etc/.wh.gone" },
        { name: "etc/word", content: "above\n" },
        { name: "srv/" },
        { name: "srv/noise", content: noise(300_000) },
      ],
    ],
    config: {
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "WORDS=two  words, and=more"],
      Entrypoint: ["/bin/echo", "entry point"],
      Cmd: ["with", "words"],
      Labels: { "org.example.label": "value 1" },
    },
    ...more,
  });
}
