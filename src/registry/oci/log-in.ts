import { HttpFault } from "../http/http-fault.ts";
import type { Registry } from "./registry.ts";

/** Asks a registry whether it takes the credentials that its finder gives. Throws a Fault when it does not. */
export async function checkLogin(registry: Registry): Promise<void> {
  const answer = await registry.send("", "", "pull");
  const attempt = `Cannot log in at ${registry.name}`;
  if (answer.status === 404) {
    throw new HttpFault(404, `${attempt}: there is no registry (its /v2/ does not exist)`);
  }
  if (!answer.ok) throw await registry.faultOf(answer, attempt);
  await answer.body?.cancel();
}
