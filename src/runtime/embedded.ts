import bash from "../../build/embed/bash" with { type: "file" };
import starter from "../../build/embed/starter" with { type: "file" };

/** Bytes of a helper program that the one-file binary carries. */
export async function embeddedHelper(name: "starter" | "bash"): Promise<Uint8Array> {
  return new Uint8Array(await Bun.file(name === "bash" ? bash : starter).arrayBuffer());
}
