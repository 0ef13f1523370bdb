import type { Key } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { algorithmName, type ListedKey, statusText } from "../../format/hkp/key-index.ts";
import { fetchKeys } from "../../registry/keyserver/find-servers.ts";
import { findByFingerprint } from "../../runtime/key-rings.ts";
import { fingerprintOf } from "../../trust/pgp/describe-key.ts";
import type { KeyCall } from "./call.ts";
import { updateSecret } from "./files.ts";

/** Of what a server finds. */
const MOST_SHOWN = 100;

/** `key search`: what the first key server has for some words. */
export async function search(call: KeyCall): Promise<number> {
  const { inv, ctx } = call;
  const [words = ""] = inv.args;
  const [server] = await call.servers();
  // Upper case: a word such as "decade" may be meant as one.
  const isId = /^[0-9A-F]{8,40}$/.test(words);
  if (words === "") throw new Fault("usage", "failed to get key: invalid search");
  const all = await server.search(isId ? `0x${words}` : words);
  if (all === undefined) {
    throw new Fault("not-found", "no matching keys found for fingerprint");
  }
  const found = all.slice(0, MOST_SHOWN);
  ctx.print(`Showing ${found.length} results\n\n`);
  const isLong = inv.bool("long-list");
  ctx.print(table(found.map(isLong ? longRow : shortRow), isLong));
  return 0;
}

/** `key pull`: takes a public key from a key server into a ring. */
export async function pull(call: KeyCall): Promise<number> {
  const { inv, ctx, rings } = call;
  const [id = ""] = inv.args;
  if (!/^([0-9a-f]{2}){4,20}$/i.test(id)) {
    throw new Fault("usage", `unable to pull key from server: "${id}" is no fingerprint`, {
      hint: "give 8, 16 or 40 hexadecimal digits",
    });
  }
  const keys = await fetchKeys(await call.servers(), id);
  const [key, ...more] = keys;
  if (key === undefined) {
    throw new Fault(
      "not-found",
      "unable to pull key from server: no matching keys found for fingerprint",
    );
  }
  if (more.length > 0) {
    throw new Fault("failed", "unable to pull key from server: more than one key has that id", {
      hint: "give the whole fingerprint",
    });
  }
  const isGlobal = inv.bool("global");
  const fingerprint = fingerprintOf(key);
  let count = 0;
  await rings.change<Key>(isGlobal ? "global" : "public", async (all) => {
    const known = findByFingerprint(all, fingerprint);
    if (known === undefined) {
      count = 1;
      return [...all, key];
    }
    // A key that was revoked or prolonged since is the same key.
    const merged = await known.update(key);
    return all.map((one) => (one === known ? merged : one));
  });
  if (!isGlobal) await updateSecret(rings, key.toPublic());
  const path = isGlobal ? rings.globalPath : rings.publicPath;
  ctx.print(`${count} key(s) added to keyring of trust ${path}\n`);
  return 0;
}

/** `key push`: sends a public key to the first key server. */
export async function push(call: KeyCall): Promise<number> {
  const { inv, ctx, rings } = call;
  const [fingerprint = ""] = inv.args;
  const keys = await rings.publicKeys(inv.bool("global") ? "global" : "local");
  const key = findByFingerprint(keys, fingerprint);
  if (key === undefined) throw new Fault("not-found", "could not find the requested key");
  const [server] = await call.servers();
  const answer = await server.add(key.armor());
  if (answer !== "") ctx.log.info(`Key server response: ${answer}`);
  ctx.print(`public key \`${fingerprint}' pushed to server successfully\n`);
  return 0;
}

function shortRow(key: ListedKey): readonly (readonly string[])[] {
  const names = key.userIds.length === 0 ? [""] : key.userIds;
  return names.map((name, at) =>
    at === 0 ? [key.id.slice(-8), String(key.bits || ""), name] : ["", "", name],
  );
}

function longRow(key: ListedKey): readonly (readonly string[])[] {
  const names = key.userIds.length === 0 ? [""] : key.userIds;
  const time = (seconds: number | undefined): string =>
    seconds === undefined || Number.isNaN(seconds)
      ? ""
      : `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
  return names.map((name, at) =>
    at === 0
      ? [
          ...[key.id, algorithmName(key.algorithm), String(key.bits || "")],
          ...[time(key.createdAt), time(key.expiresAt), statusText(key.flags), name],
        ]
      : ["", "", "", "", "", "", name],
  );
}

/** The head and the rows of each key, with an empty line between keys: the peer aligns each for itself. */
function table(keys: readonly (readonly (readonly string[])[])[], isLong: boolean): string {
  const head = isLong
    ? [
        "FINGERPRINT",
        "ALGORITHM",
        "BITS",
        "CREATION DATE",
        "EXPIRATION DATE",
        "STATUS",
        "NAME/EMAIL",
      ]
    : ["KEY ID", "BITS", "NAME/EMAIL"];
  const [first = [], ...more] = keys;
  return [[head, ...first], ...more].map(aligned).join("\n");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const [one = []] = rows;
  const widths = one.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) => {
      const cells = row.map((cell, at) =>
        at === row.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + 2),
      );
      return `${cells.join("")}\n`;
    })
    .join("");
}
