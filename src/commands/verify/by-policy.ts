import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { userDirectory } from "../../config/user-directory.ts";
import { cachePlaces } from "../../image/cache/places.ts";
import type { HostFacts } from "../../plan/facts.ts";
import { judgeByPolicy } from "../../runtime/admission/judge.ts";
import { installPrefix } from "../../runtime/installed.ts";
import type { Context } from "../../terminal/context.ts";

const REFUSED = 8;

/** `verify --policy FILE`: whether a trust policy admits an image, in one line; status 0, or 8 when it does not. */
export async function verifyByPolicy(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): Promise<number> {
  const [image = ""] = inv.args;
  const cwd = host.cwd ?? "/";
  const policy = resolvePath(cwd, inv.string("policy"));
  const bytes = host.files.read(policy);
  if (bytes === undefined) {
    throw new Fault("not-found", `Cannot read the trust policy "${policy}"`);
  }
  const path = host.realPath(resolvePath(cwd, image));
  if (path === undefined) {
    throw new Fault("not-found", `Cannot judge "${image}": no such file`);
  }
  const own = userDirectory({ env: ctx.env, accountHome: host.account?.home, cwd });
  const places = cachePlaces({ env: ctx.env, userDirectory: own, cwd, sharedCache: "" });
  const folder = `${places.root}/skiff/verdicts`;
  const judged = { path, source: "", files: host.files, prefix: installPrefix(), folder };
  const { rule, refusal } = await judgeByPolicy(judged, new TextDecoder().decode(bytes), policy);
  const by = rule === undefined ? "by default" : `by "${rule.name}"`;
  if (refusal === undefined) {
    ctx.print(`${image}: admitted ${by}\n`);
    return 0;
  }
  ctx.print(`${image}: refused ${by}: ${refusal}\n`);
  return REFUSED;
}
