import { existsSync } from "node:fs";
import { BUSYBOX } from "../launch/image-tree.ts";
import { noFuse, noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason } from "../support/skip.ts";
import { writeLayeredImage } from "./layered-image.ts";

/**
 * A directory of the ordinary user with the layered image as the OCI layout `layout`, where it can be run: else
 * `lack` says why not; `ociLack` the same for an OCI runtime.
 */
export function layeredLab(): {
  readonly dir: string;
  readonly lack: string | undefined;
  readonly ociLack: string | undefined;
} {
  const dir = scratch();
  const lack = firstReason(
    ordinaryUser() === undefined ? "there is no ordinary user on this machine" : undefined,
    existsSync(BUSYBOX) ? undefined : noTool("busybox"),
    ...[noUserNamespaces(), noFuse()],
    ...["mksquashfs", "squashfuse_ll"].map(noTool),
  );
  const ociLack = firstReason(
    ...[lack, noSubIds(), noTool("newuidmap")],
    noTool("crun") && noTool("runc"),
  );
  if (lack === undefined) writeLayeredImage(`${dir}/layout`);
  return { dir, lack, ociLack };
}
