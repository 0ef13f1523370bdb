import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type LocalRegistry, noRegistry, startRegistry } from "../test/registry/local-registry.ts";
import { noise } from "../test/registry/sample-image.ts";
import {
  type LayerFile,
  type PackedImage,
  packImage,
  upload,
} from "../test/registry/test-image.ts";
import { noTool } from "../test/support/host-lacks.ts";
import { enterLocalPlace, type Place } from "../test/support/place.ts";
import { treeRoot } from "../test/support/tree.ts";
import { type Case, compare } from "./cases.ts";
import { halfCompressible } from "./images.ts";
import { peakBytes } from "./peak-disk.ts";
import type { CaseResult } from "./table.ts";

const FILE_BYTES = 100_000;

/** Layers of `files` files of 100 kB each that compress to about half, and a busybox in the first. */
function layersOf(count: number, files: number): readonly (readonly LayerFile[])[] {
  const content = halfCompressible(count * FILE_BYTES + files * 4096);
  const programs: LayerFile[] = [
    { name: "bin/" },
    { name: "bin/true", link: "busybox" },
    { name: "bin/sh", link: "busybox" },
    { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
  ];
  return Array.from({ length: count }, (_, layer) => [
    ...(layer === 0 ? programs : []),
    { name: `data-${layer}/` },
    ...Array.from({ length: files }, (_, file) => {
      const at = layer * FILE_BYTES + file * 4096;
      return { name: `data-${layer}/${file}`, content: content.subarray(at, at + FILE_BYTES) };
    }),
  ]);
}

function newFolder(): string {
  const folder = mkdtempSync("/var/tmp/skiff-bench.");
  chmodSync(folder, 0o755);
  return folder;
}

/** A registry with the images of a case, for as long as `work` takes. */
async function withRegistry<T>(
  images: Readonly<Record<string, PackedImage>>,
  work: (registry: LocalRegistry) => Promise<T>,
): Promise<T> {
  const folder = newFolder();
  const registry = await startRegistry({ folder });
  try {
    for (const [name, image] of Object.entries(images)) {
      await upload(registry.url, `bench/${name}`, "1", image);
    }
    return await work(registry);
  } finally {
    await registry.stop();
    rmSync(folder, { recursive: true });
  }
}

/**
 * A script in the place: `once PROGRAM WORD…` runs the program with a new cache and a directory for
 * temporary files of its own; `OUT` in a word stands for a new file.
 */
function writeOnce(place: Place): string {
  writeFileSync(
    `${place.outside}/once`,
    `#!/bin/sh
set -e
dir=$(mktemp -d "${place.inside}/run.XXXXXX")
export SKIFF_CACHEDIR="$dir/cache" APPTAINER_CACHEDIR="$dir/cache" APPTAINER_NOHTTPS=1 TMPDIR="$dir/tmp" APPTAINER_TMPDIR="$dir/tmp"
mkdir "$dir/tmp"
for word; do
  shift
  case $word in OUT) word="$dir/out.sif" ;; esac
  set -- "$@" "$word"
done
"$@" 2>/dev/null
`,
    { mode: 0o755 },
  );
  return `${place.inside}/once`;
}

const address = (registry: LocalRegistry, name: string): string =>
  `docker://${registry.host}/bench/${name}:1`;

/** Nothing measured, and why. */
const without = (title: string, reason: string): CaseResult => ({
  title,
  measured: [],
  bounds: [],
  notes: [`not measured: ${reason}`],
});

const pulling: Case = {
  name: "pull",
  preparesItself: true,
  run: async (setting) => {
    const title = "docker:// to SIF, 10 layers, 400 MB";
    const lacks = noRegistry() ?? noTool("busybox");
    if (lacks !== undefined) return without(title, lacks);
    console.error("==> Making images of ten layers");
    const layers = layersOf(10, 400);
    const images = {
      gzip: packImage({ layers }),
      zstd: packImage({ layers, compression: "zstd" }),
    };
    return await withRegistry(images, async (registry) => {
      const { peer, place } = setting;
      const once = writeOnce(place);
      const words = (program: string, name: string) =>
        [once, program, "pull", "OUT", address(registry, name)] as const;
      const lines = [
        ["skiff, gzip layers", ...words(place.skiff, "gzip")],
        ["skiff, zstd layers", ...words(place.skiff, "zstd")],
        ["peer, gzip layers", peer && once, ...words(peer ?? "", "gzip").slice(1)],
        ["peer, zstd layers", peer && once, ...words(peer ?? "", "zstd").slice(1)],
      ] as const;
      const result = await compare(
        setting,
        title,
        { rounds: setting.quick ? 1 : 3, warmup: 0, jobs: 1 },
        lines,
        [
          { contender: "skiff, gzip layers", most: 1 / 3, against: "peer, gzip layers" },
          { contender: "skiff, zstd layers", most: 1 / 3, against: "peer, zstd layers" },
        ],
      );
      const notes: string[] = [];
      for (const [name, program, ...args] of lines) {
        if (program === undefined) continue;
        const peak = await peakBytes(place, [program, ...args]);
        notes.push(`${name}: ${(peak / 1e6).toFixed(0)} MB of disk beyond what stays`);
      }
      return { ...result, notes };
    });
  },
};

const again: Case = {
  name: "again",
  preparesItself: true,
  run: async (setting) => {
    const title = "second exec docker://";
    const lacks = noRegistry() ?? noTool("busybox");
    if (lacks !== undefined) return without(title, lacks);
    return await withRegistry(
      { small: packImage({ layers: layersOf(1, 10) }) },
      async (registry) => {
        const { peer, place } = setting;
        const from = address(registry, "small");
        const sif = `${place.inside}/small.sif`;
        const pulled = await place.run([place.skiff, "pull", sif, from]);
        if (pulled.code !== 0) throw new Error(pulled.stderr);
        const [host = "", port = ""] = registry.host.split(":");
        // What one request costs a program that does nothing else.
        const request = `exec 3<>/dev/tcp/${host}/${port}; printf 'HEAD /v2/bench/small/manifests/1 HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' >&3; while read -r line <&3; do :; done; exec "$0" "$@"`;
        return await compare(
          setting,
          title,
          { rounds: setting.quick ? 10 : 40, warmup: 3, jobs: 1 },
          [
            ["skiff, docker://", place.skiff, "exec", from, "true"],
            ["skiff, SIF", place.skiff, "exec", sif, "true"],
            [
              "skiff, SIF after one request",
              "/bin/bash",
              "-c",
              request,
              place.skiff,
              "exec",
              sif,
              "true",
            ],
            [
              "peer, docker://",
              peer && "/usr/bin/env",
              "APPTAINER_NOHTTPS=1",
              peer ?? "",
              "exec",
              from,
              "true",
            ],
          ],
          [{ contender: "skiff, docker://", most: 1.3, against: "skiff, SIF after one request" }],
        );
      },
    );
  },
};

const fifty: Case = {
  name: "fifty",
  preparesItself: true,
  run: async (setting) => {
    const title = "50 first pulls of one image at once";
    const lacks = noRegistry() ?? noTool("busybox");
    if (lacks !== undefined) return without(title, lacks);
    return await withRegistry(
      { shared: packImage({ layers: layersOf(4, 100) }) },
      async (registry) => {
        const { peer, place } = setting;
        const once = writeOnce(place);
        const script = (program: string): string =>
          `i=0; while [ $i -lt 50 ]; do (${program} pull "$SKIFF_CACHEDIR/../$i.sif" ${address(registry, "shared")} && echo done >>"$SKIFF_CACHEDIR/../done") & i=$((i+1)); done; wait; [ "$(wc -l <"$SKIFF_CACHEDIR/../done")" = 50 ] || echo "only $(wc -l <"$SKIFF_CACHEDIR/../done") of 50" >>"${place.inside}/failures"`;
        const notes: string[] = [];
        const result = await compare(
          setting,
          title,
          { rounds: 1, warmup: 0, jobs: 1 },
          [
            ["skiff", once, "sh", "-c", script(place.skiff)],
            ["peer", peer && once, "sh", "-c", script(peer ?? "")],
          ],
          [],
        );
        const blobs = registry.requests().filter((line) => /^GET .*\/blobs\//.test(line));
        notes.push(`the registry gave ${blobs.length} blobs to both together; the image has 5`);
        const failures = await place.run(["cat", `${place.inside}/failures`]);
        notes.push(failures.stdout === "" ? "all 50 of each succeeded" : failures.stdout.trim());
        return { ...result, notes };
      },
    );
  },
};

const LIBRARY_BYTES = 400 << 20;

const library: Case = {
  name: "library",
  preparesItself: true,
  run: async (setting) => {
    const title = "library:// of 400 MB";
    const lacks = noTool("curl");
    if (lacks !== undefined) return without(title, lacks);
    const folder = newFolder();
    const path = `${folder}/image`;
    const block = noise(1 << 20);
    const hash = new Bun.CryptoHasher("sha256");
    const writer = Bun.file(path).writer();
    for (let at = 0; at < LIBRARY_BYTES; at += block.length) {
      block[0] = at / block.length;
      hash.update(block);
      writer.write(block.slice());
      await writer.flush();
    }
    await writer.end();
    const server = serveLibrary(path, hash.digest("hex"));
    const place = enterLocalPlace();
    try {
      copyFileSync(`${treeRoot}/build/bench/measure`, `${place.outside}/measure`);
      const once = writeOnce(place);
      const url = `http://127.0.0.1:${server.port}`;
      return await compare(
        { ...setting, place },
        title,
        { rounds: setting.quick ? 2 : 5, warmup: 1, jobs: 1 },
        [
          ["skiff", once, place.skiff, "pull", "--library", url, "OUT", "library://u/c/image:1"],
          ["curl", once, "curl", "-s", "-o", "OUT", `${url}/v1/imagefile/u/c/image:1`],
        ],
        [{ contender: "skiff", most: 1.3, against: "curl" }],
      );
    } finally {
      place.leave();
      void server.stop(true);
      rmSync(folder, { recursive: true });
    }
  },
};

function serveLibrary(path: string, hash: string): ReturnType<typeof Bun.serve> {
  const file = Bun.file(path);
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      if (new URL(request.url).pathname.startsWith("/v1/images/")) {
        return Response.json({ data: { hash: `sha256.${hash}`, size: file.size, uploaded: true } });
      }
      const range = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.get("range") ?? "");
      if (range === null) return new Response(file);
      const start = Number(range[1]);
      const end = range[2] === "" ? file.size - 1 : Number(range[2]);
      return new Response(file.slice(start, end + 1), {
        status: 206,
        headers: { "content-range": `bytes ${start}-${end}/${file.size}` },
      });
    },
  });
}

/** Cases about images from elsewhere. */
export const pullCases: readonly Case[] = [pulling, again, fifty, library];
