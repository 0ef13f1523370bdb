import { Fault } from "../../base/fault.ts";
import {
  DER_BIT_STRING,
  DER_INTEGER,
  DER_NULL,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  type DerElement,
  oidText,
  readDer,
  readOnly,
  writeDer,
} from "../der/der.ts";

/*
 * Asking whether a certificate is revoked (RFC 6960):
 *
 *   request   SEQ { SEQ { SEQ { SEQ { CertID } } } }
 *   CertID    SEQ { SEQ { sha1, NULL }, issuer name hash, issuer key hash, serial }
 *   response  SEQ { ENUM status, [0] { SEQ { OID basic, OCTETS { basic } } } }
 *   basic     SEQ { data, algorithm, BIT STRING signature, [0] { SEQ { certificates } } }
 *   data      SEQ { [0] version?, [1|2] responder, time, SEQ { single … }, … }
 *   single    SEQ { CertID, [0] good | [1] revoked | [2] unknown, this update, [0] { next update } }
 */

/** Which certificate is asked about; hashes are SHA-1, which names here and protects nothing. */
export interface CertificateId {
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serial: Uint8Array;
}

export interface OcspAnswer {
  readonly status: "good" | "revoked" | "unknown";
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** What the signature is over. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly algorithm: string;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** Certificates in DER that may have signed it instead of the issuer. */
  readonly certificates: readonly Uint8Array<ArrayBuffer>[];
}

const SHA1_OID = Uint8Array.of(0x2b, 0x0e, 0x03, 0x02, 0x1a);

export function encodeOcspRequest(id: CertificateId): Uint8Array<ArrayBuffer> {
  const request = writeDer(DER_SEQUENCE, certificateId(id));
  const list = writeDer(DER_SEQUENCE, request);
  return writeDer(DER_SEQUENCE, writeDer(DER_SEQUENCE, list));
}

/** Reads the answer about one certificate. Throws a Fault `invalid`, also when it is about others or is a refusal. */
export function decodeOcspResponse(der: Uint8Array<ArrayBuffer>, id: CertificateId): OcspAnswer {
  const [status, payload] = readDer(readOnly(der, DER_SEQUENCE).content);
  const code = status?.content[0] ?? 255;
  if (code !== 0) throw broken(`the server refuses (status ${code})`);
  const bytes = readDer(readOnly(payload?.content ?? new Uint8Array(0), DER_SEQUENCE).content)[1];
  if (bytes?.tag !== DER_OCTET_STRING) throw broken("it holds no answer");
  const [data, algorithm, signature, extra] = readDer(
    readOnly(bytes.content, DER_SEQUENCE).content,
  );
  const [oid] = readDer(algorithm?.content ?? new Uint8Array(0));
  if (data === undefined || oid?.tag !== DER_OID || signature?.tag !== DER_BIT_STRING) {
    throw broken("it is not signed");
  }
  const single = findSingle(data, id);
  const [, state, thisUpdate, next] = single;
  const isNext = next?.tag === 0xa0;
  return {
    status: state?.tag === 0x80 ? "good" : state?.tag === 0xa1 ? "revoked" : "unknown",
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: isNext ? timeOf(readDer(next.content)[0]) : undefined,
    signed: data.whole,
    algorithm: oidText(oid.content),
    signature: signature.content.subarray(1),
    certificates:
      extra?.tag === 0xa0
        ? readDer(readOnly(extra.content, DER_SEQUENCE).content).map((one) => one.whole)
        : [],
  };
}

function findSingle(data: DerElement, id: CertificateId): readonly DerElement[] {
  const list = readDer(data.content).find((one) => one.tag === DER_SEQUENCE);
  const serial = hexOf(id.serial);
  for (const one of readDer(list?.content ?? new Uint8Array(0))) {
    const fields = readDer(one.content);
    const [, name, key, number] = readDer(fields[0]?.content ?? new Uint8Array(0));
    const isAsked =
      hexOf(number?.content) === serial &&
      hexOf(name?.content) === hexOf(id.issuerNameHash) &&
      hexOf(key?.content) === hexOf(id.issuerKeyHash);
    if (isAsked) return fields;
  }
  throw broken("it is about another certificate");
}

function certificateId(id: CertificateId): Uint8Array<ArrayBuffer> {
  return writeDer(
    DER_SEQUENCE,
    writeDer(DER_SEQUENCE, writeDer(DER_OID, SHA1_OID), writeDer(DER_NULL)),
    writeDer(DER_OCTET_STRING, id.issuerNameHash),
    writeDer(DER_OCTET_STRING, id.issuerKeyHash),
    writeDer(DER_INTEGER, id.serial),
  );
}

/** GeneralizedTime: `20261122204640Z`. */
function timeOf(element: DerElement | undefined): Date {
  const text = String.fromCharCode(...(element?.content ?? []));
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (found === null) throw broken("a time in it is broken");
  const [, year, month, day, hour, minute, second] = found;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function hexOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined
    ? ""
    : bytes.reduce((text, b) => text + b.toString(16).padStart(2, "0"), "");
}

function broken(why: string): Fault {
  return new Fault("invalid", `Cannot use the answer about a certificate: ${why}`);
}
