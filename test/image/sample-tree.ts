import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

/** A made-up root file system with what a reader can stumble over; gives its path. The caller removes it. */
export function makeSampleTree(): string {
  const root = mkdtempSync(`${tmpdir()}/skiff-tree.`);
  chmodSync(root, 0o755);
  const put = (path: string, content: string | Uint8Array): void =>
    writeFileSync(`${root}/${path}`, content);
  for (const dir of [".singularity.d/env", "etc", "usr/lib/deep/er/still", "many", "empty-dir"]) {
    mkdirSync(`${root}/${dir}`, { recursive: true });
  }
  for (const name of ["01-base", "10-docker2singularity", "90-environment", "99-runtimevars"]) {
    put(`.singularity.d/env/${name}.sh`, `export SAMPLE_${name.slice(0, 2)}=1\n`);
  }
  put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  put("etc/group", "root:x:0:\n");
  // Long enough for an indexed directory in SquashFS and for a hashed one in ext4.
  for (let i = 0; i < 1200; i++)
    put(`many/a-file-with-a-rather-long-name-${i}`, `content of ${i}\n`);
  put("empty", "");
  put("one-block", new Uint8Array(131072).fill(65));
  put("block-and-tail", noise(131072 * 2 + 777));
  put("text", "the same line again and again\n".repeat(50_000));
  put("odd", noise(4097));
  put("holes", noise(5000));
  truncateSync(`${root}/holes`, 3_000_000);
  put("caf\u00e9 with \u{1f6f6}", "unicode");
  put("set-id", "x");
  chmodSync(`${root}/set-id`, 0o4755);
  chmodSync(`${root}/empty-dir`, 0o1777);
  symlinkSync("usr/lib", `${root}/lib`);
  symlinkSync(`/${"long/".repeat(40)}end`, `${root}/long-link`);
  symlinkSync("x".repeat(59), `${root}/link-59`);
  symlinkSync("x".repeat(60), `${root}/link-60`);
  put("usr/lib/deep/er/still/here", "found");
  return root;
}

export function removeTree(root: string): void {
  rmSync(root, { recursive: true, force: true });
}

/** Bytes that no compressor makes shorter, the same each time. */
function noise(length: number): Uint8Array {
  const out = new Uint8Array(length);
  let state = 123456789;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state;
  }
  return out;
}
