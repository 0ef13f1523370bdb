import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from "node:fs";
import { noSubIds, noTool } from "../support/host-lacks.ts";
import { leanDebian } from "../support/lean-debian.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { run } from "../support/run.ts";
import { firstReason } from "../support/skip.ts";
import { noInstances } from "./instance-lab.ts";

const PACKAGES = ["postgresql", "redis-server", "nginx-light"];

/**
 * A packed Debian root with PostgreSQL, Redis and nginx, made once by mmdebstrap and kept below
 * /var/tmp for the ordinary user; or the reason why there is none.
 */
export async function servicesImage(): Promise<
  { readonly path: string } | { readonly lack: string }
> {
  const lack = firstReason(noInstances, noTool("mmdebstrap"), noSubIds());
  if (lack !== undefined) return { lack };
  const path = `/var/tmp/skiff-test-services-${ordinaryUser()?.uid}.sqfs`;
  if (existsSync(path)) return { path };
  const work = mkdtempSync("/var/tmp/skiff-services.");
  try {
    chmodSync(work, 0o777);
    const made = await run(leanDebian(PACKAGES, `${work}/root.tar`), { timeoutMs: 400_000 });
    if (made.code !== 0) return { lack: `mmdebstrap failed: ${lastLine(made.stderr)}` };
    const packed = await run(
      [
        "sh",
        "-c",
        `mksquashfs - ${work}/root.sqfs -tar -quiet -no-progress -comp zstd -Xcompression-level 1 <${work}/root.tar`,
      ],
      { timeoutMs: 120_000 },
    );
    if (packed.code !== 0) return { lack: `mksquashfs failed: ${lastLine(packed.stderr)}` };
    renameSync(`${work}/root.sqfs`, path);
    accessSync(path, constants.R_OK);
    return { path };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
