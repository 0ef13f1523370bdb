import type { Invocation } from "../../cli/invocation.ts";
import type { KeyServers } from "../../registry/keyserver/find-servers.ts";
import type { KeyRings } from "../../runtime/key-rings.ts";
import type { Context } from "../../terminal/context.ts";

/** What one call of `key` works on. */
export interface KeyCall {
  readonly inv: Invocation;
  readonly ctx: Context;
  readonly rings: KeyRings;
  /** Directory that file names start in. */
  readonly cwd: string;
  /** Key servers, for those who ask one; throws a Fault where there is none. */
  servers(): Promise<KeyServers>;
}
