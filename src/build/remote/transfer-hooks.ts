import type { TransferHooks } from "../../registry/oci/open-image.ts";
import type { RemoteAccess, Step } from "./access.ts";
import { tellWaiting } from "./tell-waiting.ts";

/** What a transfer tells the user; `step` gives the step that shows its bytes, once there is one. */
export function transferHooks(access: RemoteAccess, step: () => Step | undefined): TransferHooks {
  const parts = new Map<string, Step>();
  return {
    onBytes: (done) => step()?.update(done),
    onPart: (title, done, total) => {
      const known = parts.get(title);
      if (done >= total) known?.finish();
      else if (known !== undefined) known.update(done);
      else {
        const part = step()?.part(title, total);
        if (part !== undefined) parts.set(title, part);
      }
    },
    onWait: tellWaiting(access.talk),
    note: (line) => access.talk.info(line),
    signal: access.signal,
    twin: access.twin,
  };
}
