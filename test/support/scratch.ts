import { afterAll } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { isRoot, ordinaryUser } from "./ordinary-user.ts";
import { run } from "./run.ts";

/**
 * A new directory below /var/tmp (a real file system, often unlike /tmp), owned by the ordinary
 * user, removed when the test file is done. To be called at the top level of a test file or describe.
 */
export function scratch(as: "user" | "self" = "user"): string {
  const path = mkdtempSync("/var/tmp/skiff-scratch.");
  const user = ordinaryUser();
  if (isRoot && as === "user" && user !== undefined) chownSync(path, user.uid, user.gid);
  chmodSync(path, 0o755);
  afterAll(async () => {
    // Trees of a container may hold directories closed even to their owner.
    await run(["chmod", "-R", "u+rwX", path], { as: "self" });
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}
