import { createHash, verify } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { extendedUsages, ocspServers } from "../../format/x509/certificate.ts";
import {
  type CertificateId,
  decodeOcspResponse,
  encodeOcspRequest,
  type OcspAnswer,
} from "../../format/x509/ocsp.ts";
import { isInTime, isSignedBy } from "./chain.ts";
import { type Certificate, certificateOf } from "./pool.ts";

/** Sends a request to an OCSP server and gives what it answers. */
export type AskOcsp = (
  url: string,
  request: Uint8Array<ArrayBuffer>,
) => Promise<Uint8Array<ArrayBuffer>>;

const USAGE_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
/** Clocks differ by that much. */
const SKEW_MS = 5 * 60_000;
/** An answer without a time for the next holds that long. */
const HOLDS_MS = 24 * 3600_000;
const HASHES: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};

/**
 * Asks for each certificate of a chain but the root whether it is revoked (RFC 6960). Throws a Fault
 * `denied` for one that is, and for one that nobody vouches for.
 */
export async function checkRevoked(
  chain: readonly Certificate[],
  ask: AskOcsp,
  now: Date,
): Promise<void> {
  for (const [at, certificate] of chain.entries()) {
    const issuer = chain[at + 1];
    if (issuer === undefined) return;
    const [url] = ocspServers(certificate.parts);
    if (url === undefined) throw failed("OCSP Query err: certificate does not support OCSP");
    const id = idOf(certificate, issuer);
    const answer = decodeOcspResponse(await ask(url, encodeOcspRequest(id)), id);
    if (!isGenuine(answer, issuer, now)) throw failed("the answer's signature is not good");
    const ends = answer.nextUpdate?.getTime() ?? answer.thisUpdate.getTime() + HOLDS_MS;
    const time = now.getTime();
    if (answer.thisUpdate.getTime() > time + SKEW_MS || ends < time - SKEW_MS) {
      throw failed("the answer is not of now");
    }
    if (answer.status !== "good") throw failed(`the certificate is ${answer.status}`);
  }
}

function idOf(certificate: Certificate, issuer: Certificate): CertificateId {
  const sha1 = (bytes: Uint8Array): Uint8Array => createHash("sha1").update(bytes).digest();
  return {
    issuerNameHash: sha1(certificate.parts.issuer),
    issuerKeyHash: sha1(issuer.parts.keyBits),
    serial: certificate.parts.serial,
  };
}

/** Signed by the issuer itself, or by one that it made a certificate for this purpose for. */
function isGenuine(answer: OcspAnswer, issuer: Certificate, now: Date): boolean {
  const hash = HASHES[answer.algorithm];
  if (hash === undefined) return false;
  const delegates = answer.certificates
    .map(certificateOf)
    .filter(
      (one) =>
        extendedUsages(one.parts)?.includes(USAGE_OCSP_SIGNING) === true &&
        isInTime(one, now) &&
        isSignedBy(one, issuer),
    );
  return [issuer, ...delegates].some((one) => {
    try {
      return verify(hash, answer.signed, one.x509.publicKey, answer.signature);
    } catch {
      // A key of another kind than the signature.
      return false;
    }
  });
}

function failed(why: string): Fault {
  return new Fault("denied", `OCSP verification has failed: ${why}`);
}
