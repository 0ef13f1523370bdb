import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import type { HostFacts, ImageFacts } from "../facts.ts";
import { userRootIdentity } from "../identity.ts";
import type { IdentityPlan, Notice } from "../plan.ts";
import type { LaunchRequest } from "../request.ts";
import { accountOf, groupOf } from "./image-program.ts";

/** Whom an image wants its program to be. */
export interface ImageUser {
  readonly identity: IdentityPlan;
  /** Home directory of the image's own account. */
  readonly home: string;
}

/** The next one stands for no id at all. */
const MAX_ID = 0xfffffffe;

/**
 * The `USER` of an OCI image, which counts with `--oci`: root is root of a user namespace, anybody else
 * one of the caller's sub-ids; for a real root it is that user. Undefined where the image names none,
 * and for --fakeroot, which says who it is. `tree` is the image's.
 *
 * @throws Fault `not-found` for a name that the image does not know, and for ids that no kernel has.
 */
export function planImageUser(
  request: LaunchRequest,
  host: HostFacts,
  image: ImageFacts,
  tree: FileView,
  identity: IdentityPlan,
  notices: Notice[],
): ImageUser | undefined {
  const word = image.oci?.user ?? "";
  if (request.oci !== true || request.fakeroot || word === "") return undefined;
  if (request.home !== undefined) {
    throw new Fault("usage", `Cannot use --home: "${image.path}" names its user (USER ${word})`, {
      exitCode: 255,
      hint: "leave --home out: the home is that of this user; or start it with --fakeroot, or without --oci",
    });
  }
  const [user = "", group = ""] = word.split(":", 2);
  const account = accountOf(user, tree);
  const gid = group === "" ? account?.gid : groupOf(group, tree);
  const isUser = account !== undefined && account.uid <= MAX_ID;
  const isGroup = gid !== undefined && gid <= MAX_ID;
  if (!isUser || !isGroup) {
    const what = !isUser ? `user "${user}"` : `group "${group}"`;
    throw new Fault("not-found", `Cannot start "${image.path}": the image has no ${what}`, {
      hint: "its configuration names one (USER); start it with --fakeroot, or without --oci",
    });
  }
  const why = `USER ${word} of the image`;
  const { uid, home } = account;
  if (uid === 0 && identity.uidMap !== "") {
    return { identity: { ...userRootIdentity(host, notices), why }, home };
  }
  return { identity: { ...identity, become: { uid, gid, groups: [] }, why }, home };
}
