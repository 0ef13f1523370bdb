import { Fault } from "../../base/fault.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { askLine, askSecret } from "../../terminal/ask.ts";
import type { Context } from "../../terminal/context.ts";
import { makeKey } from "../../trust/pgp/secret-key.ts";
import type { KeyCall } from "./call.ts";

/** `key newpair`: makes a pair of keys and keeps both halves; what no flag gives is asked for. */
export async function newPair(call: KeyCall): Promise<number> {
  const { inv, ctx, rings } = call;
  const owner = {
    name: given(inv, "name") ?? ask("Enter your name (e.g., John Doe) : ", ctx),
    email:
      given(inv, "email") ?? ask("Enter your email address (e.g., john.doe@example.com) : ", ctx),
    comment:
      given(inv, "comment") ?? ask("Enter optional comment (e.g., development keys) : ", ctx),
  };
  const passphrase = given(inv, "password") ?? askNewPassphrase(ctx, "Enter a passphrase : ");
  ctx.print("Generating Entity and OpenPGP Key Pair... ");
  const key = await makeKey(owner, inv.int("bit-length"), passphrase);
  // The secret half first: a public key alone would promise signatures that cannot be made.
  await rings.change("secret", (keys) => [...keys, key]);
  await rings.change("public", (keys) => [...keys, key.toPublic()]);
  ctx.print("done\n");
  if (!inv.bool("push")) return 0;
  try {
    const [server] = await call.servers();
    const answer = await server.add(key.toPublic().armor());
    if (answer !== "") ctx.log.info(`Key server response: ${answer}`);
    ctx.print("Key successfully pushed to keystore\n");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // The keys are made and kept: a server that is away is no reason to fail.
    ctx.print(`Failed to push newly created key to keystore: ${error.message}\n`);
  }
  return 0;
}

function given(inv: Invocation, flag: string): string | undefined {
  return inv.isSet(flag) ? inv.string(flag) : undefined;
}

function ask(question: string, ctx: Context): string {
  return askLine(question, ctx.printError)?.trim() ?? "";
}

const MOST_TRIES = 3;

/** A passphrase, typed twice; an empty one only when that is meant. Throws a Fault otherwise. */
export function askNewPassphrase(ctx: Context, question: string): string {
  const passphrase = askTwice(ctx, question);
  if (passphrase !== "") return passphrase;
  const warning =
    "WARNING: if there is no password set, your key is not secure. Do you want to continue? [y/n] ";
  if (/^y(es)?$/i.test(ask(warning, ctx))) return "";
  throw new Fault("usage", "could not collect user input: empty passphrase");
}

function askTwice(ctx: Context, question: string): string {
  for (let tries = 1; ; tries++) {
    const first = askSecret(question, ctx.printError);
    const second = askSecret("Retype your passphrase : ", ctx.printError);
    if (first === second) return first ?? "";
    if (tries === MOST_TRIES || second === undefined) break;
    ctx.log.warning("passphrases do not match");
  }
  throw new Fault("usage", "could not collect user input: passphrases do not match");
}
