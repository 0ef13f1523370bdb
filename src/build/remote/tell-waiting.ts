import type { Waiting } from "../../image/cache/claim.ts";
import type { Talk } from "../talk.ts";

/** Tells who is waited for, once; then, about every ten seconds, how far that is. */
export function tellWaiting(talk: Talk): (state: Waiting) => void {
  let calls = 0;
  return ({ host, pid, done, total }) => {
    if (calls === 0)
      talk.info(`Waiting for process ${pid} on ${host}, which is making the same image`);
    else if (calls % 10 === 0 && total > 0) {
      talk.info(`Still waiting: it has done ${Math.floor((100 * done) / total)}%`);
    }
    calls += 1;
  };
}
