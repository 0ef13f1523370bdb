import { X509Certificate } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { parsePem } from "../../format/pem/pem.ts";
import { type CertificateParts, readCertificate } from "../../format/x509/certificate.ts";

/** A certificate, as the crypto library holds it and as its fields are read here. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly parts: CertificateParts;
  readonly der: Uint8Array<ArrayBuffer>;
}

/** All certificates of a PEM text. Throws a Fault whose message is the reason for one that is broken, or none at all. */
export function readCertificates(text: string): readonly Certificate[] {
  const blocks = parsePem(text).filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (blocks.length === 0) throw new Fault("invalid", "x509: no certificate found");
  return blocks.map(({ bytes }) => certificateOf(bytes));
}

/** A certificate from its DER. Throws a Fault whose message is the reason. */
export function certificateOf(der: Uint8Array<ArrayBuffer>): Certificate {
  try {
    return { x509: new X509Certificate(der), parts: readCertificate(der), der };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid", `x509: malformed certificate: ${why}`, { cause });
  }
}
