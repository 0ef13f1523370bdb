import { existsSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import { replaceFile } from "../../config/replace-file.ts";
import { askSecret } from "../../terminal/ask.ts";
import type { KeyCall } from "./call.ts";

/** `key generate-cosign-key-pair`: a private key under a password and its public half, in two files. */
export async function makePair({ inv, ctx, cwd }: KeyCall): Promise<number> {
  const prefix = inv.string("output-key-prefix");
  const paths = ["key", "pub"].map((end) => `${prefix}.${end}`);
  for (const path of paths) {
    if (!existsSync(resolvePath(cwd, path))) continue;
    throw new Fault("exists", `Cannot write "${path}": the file exists`, {
      hint: "whoever loses a key can sign with it no more: move it away, or use --output-key-prefix",
    });
  }
  ctx.log.info(`Creating cosign key-pair ${prefix}.key/.pub`);
  const { makeCosignPair } = await import("../../trust/cosign/key-file.ts");
  const { privatePem, publicPem } = await makeCosignPair(newPassword(ctx));
  // The secret half first: a public key alone would promise signatures that cannot be made.
  replaceFile(resolvePath(cwd, paths[0] ?? ""), privatePem, 0o600);
  replaceFile(resolvePath(cwd, paths[1] ?? ""), publicPem, 0o644);
  return 0;
}

/** As cosign: from its variable, else typed twice. */
function newPassword(ctx: KeyCall["ctx"]): string {
  const given = ctx.env["COSIGN_PASSWORD"];
  if (given !== undefined) return given;
  const first = askSecret("Enter password for private key: ", ctx.printError) ?? "";
  const second = askSecret("Enter again: ", ctx.printError) ?? "";
  if (first === second) return first;
  throw new Fault("usage", "Cannot make the keys: the passwords do not match");
}
