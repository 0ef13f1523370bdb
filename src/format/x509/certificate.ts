import { Fault } from "../../base/fault.ts";
import { DER_OID, DER_SEQUENCE, type DerElement, oidText, readDer, readOnly } from "../der/der.ts";

/*
 * The parts of a certificate that path building and OCSP need (RFC 5280 section 4.1):
 *
 *   SEQUENCE { tbs SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject,
 *                             key SEQUENCE { algorithm, BIT STRING }, …, [3] extensions },
 *              algorithm, BIT STRING signature }
 */
export interface CertificateParts {
  /** INTEGER content. */
  readonly serial: Uint8Array<ArrayBuffer>;
  /** Names as whole DER elements: equal bytes are the same name. */
  readonly issuer: Uint8Array<ArrayBuffer>;
  readonly subject: Uint8Array<ArrayBuffer>;
  /** Content of the BIT STRING of the public key, without the count of unused bits. */
  readonly keyBits: Uint8Array<ArrayBuffer>;
  readonly extensions: readonly CertificateExtension[];
}

export interface CertificateExtension {
  readonly oid: string;
  readonly isCritical: boolean;
  /** Content of the OCTET STRING. */
  readonly value: Uint8Array<ArrayBuffer>;
}

export const OID_KEY_USAGE: string = "2.5.29.15";
export const OID_BASIC_CONSTRAINTS: string = "2.5.29.19";
export const OID_EXTENDED_KEY_USAGE: string = "2.5.29.37";
const OID_AUTHORITY_ACCESS = "1.3.6.1.5.5.7.1.1";
const OID_OCSP = "1.3.6.1.5.5.7.48.1";

/** Reads a certificate in DER. Throws a Fault `invalid`. */
export function readCertificate(der: Uint8Array<ArrayBuffer>): CertificateParts {
  const [tbs] = readDer(readOnly(der, DER_SEQUENCE).content);
  const fields = [...readDer(tbs?.content ?? new Uint8Array(0))];
  if (fields[0]?.tag === 0xa0) fields.shift();
  const [serial, , issuer, , subject, key, ...more] = fields;
  const bits = readDer(key?.content ?? new Uint8Array(0))[1]?.content;
  if (serial === undefined || issuer === undefined || subject === undefined || bits === undefined) {
    throw new Fault("invalid", "Cannot read a certificate: a field is missing");
  }
  const list = more.find((one) => one.tag === 0xa3);
  return {
    serial: serial.content,
    issuer: issuer.whole,
    subject: subject.whole,
    keyBits: bits.subarray(1),
    extensions:
      list === undefined
        ? []
        : readDer(readOnly(list.content, DER_SEQUENCE).content).map(readExtension),
  };
}

function readExtension(element: DerElement): CertificateExtension {
  const [oid, ...rest] = readDer(element.content);
  const value = rest.at(-1);
  if (oid?.tag !== DER_OID || value === undefined) {
    throw new Fault("invalid", "Cannot read a certificate: an extension is broken");
  }
  const isCritical = rest.length === 2 && rest[0]?.content[0] !== 0;
  return { oid: oidText(oid.content), isCritical, value: value.content };
}

export function findExtension(
  parts: CertificateParts,
  oid: string,
): CertificateExtension | undefined {
  return parts.extensions.find((one) => one.oid === oid);
}

/** Identifiers of the extended key usages; undefined for a certificate that has no such extension. */
export function extendedUsages(parts: CertificateParts): readonly string[] | undefined {
  const found = findExtension(parts, OID_EXTENDED_KEY_USAGE);
  if (found === undefined) return undefined;
  return readDer(readOnly(found.value, DER_SEQUENCE).content).map((one) => oidText(one.content));
}

/** Whether it is the certificate of an authority, and how many authorities may follow below it. */
export function basicConstraints(parts: CertificateParts): {
  readonly isAuthority: boolean;
  readonly pathLength: number;
} {
  const found = findExtension(parts, OID_BASIC_CONSTRAINTS);
  if (found === undefined) return { isAuthority: false, pathLength: 0 };
  const fields = readDer(readOnly(found.value, DER_SEQUENCE).content);
  const isAuthority = fields[0]?.tag === 0x01 && fields[0].content[0] !== 0;
  const limit = fields.find((one) => one.tag === 0x02);
  return { isAuthority, pathLength: limit === undefined ? Infinity : (limit.content.at(-1) ?? 0) };
}

/** Whether the key may sign certificates; without a statement about usage it may. */
export function maySignCertificates(parts: CertificateParts): boolean {
  const found = findExtension(parts, OID_KEY_USAGE);
  if (found === undefined) return true;
  const [bits] = readDer(found.value);
  return ((bits?.content[1] ?? 0) & 0x04) !== 0;
}

/** Addresses of servers that tell whether the certificate is revoked. */
export function ocspServers(parts: CertificateParts): readonly string[] {
  const found = findExtension(parts, OID_AUTHORITY_ACCESS);
  if (found === undefined) return [];
  return readDer(readOnly(found.value, DER_SEQUENCE).content).flatMap((access) => {
    const [method, place] = readDer(access.content);
    const isOcsp = method?.tag === DER_OID && oidText(method.content) === OID_OCSP;
    return isOcsp && place?.tag === 0x86 ? [String.fromCharCode(...place.content)] : [];
  });
}
