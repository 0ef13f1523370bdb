import { createHash, type KeyObject } from "node:crypto";

/** Names of curves in SSH by their names in JWK. */
const CURVES: Readonly<Record<string, string>> = {
  "P-256": "nistp256",
  "P-384": "nistp384",
  "P-521": "nistp521",
};

/**
 * Name of a public key in DSSE envelopes: `SHA256:` and unpadded base64 over the SSH wire form, what
 * `ssh-keygen -l` prints; "" for keys that SSH has no form for.
 */
export function sshKeyId(key: KeyObject): string {
  const wire = isExportable(key) ? sshWire(key) : undefined;
  if (wire === undefined) return "";
  return `SHA256:${createHash("sha256").update(wire).digest("base64").replace(/=+$/, "")}`;
}

/** The library writes no keys on P-224 as JWK, which have no form in SSH either. */
function isExportable(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve !== "secp224r1";
}

function sshWire(key: KeyObject): Uint8Array | undefined {
  const { kty, crv = "", n = "", e = "", x = "", y = "" } = key.export({ format: "jwk" });
  const field = (text: string): Buffer => Buffer.from(text, "base64url");
  if (kty === "RSA") return join(Buffer.from("ssh-rsa"), positive(field(e)), positive(field(n)));
  if (kty === "OKP" && crv === "Ed25519") return join(Buffer.from("ssh-ed25519"), field(x));
  const curve = CURVES[crv];
  if (kty !== "EC" || curve === undefined) return undefined;
  const point = Buffer.concat([Buffer.of(4), field(x), field(y)]);
  return join(Buffer.from(`ecdsa-sha2-${curve}`), Buffer.from(curve), point);
}

/** Fields one after another, each behind its length. */
function join(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap((one) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(one.length);
      return [length, one];
    }),
  );
}

/** A number whose first bit is clear, so that it does not read as negative. */
function positive(bytes: Uint8Array): Uint8Array {
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}
