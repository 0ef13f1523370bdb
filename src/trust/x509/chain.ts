import { Fault } from "../../base/fault.ts";
import {
  basicConstraints,
  extendedUsages,
  maySignCertificates,
  OID_BASIC_CONSTRAINTS,
  OID_EXTENDED_KEY_USAGE,
  OID_KEY_USAGE,
} from "../../format/x509/certificate.ts";
import type { Certificate } from "./pool.ts";

export const USAGE_CODE_SIGNING: string = "1.3.6.1.5.5.7.3.3";
const USAGE_ANY = "2.5.29.37.0";
/** What is understood here; a critical extension besides these is a reason to refuse. */
const UNDERSTOOD = [OID_KEY_USAGE, OID_BASIC_CONSTRAINTS, OID_EXTENDED_KEY_USAGE];
const MOST_LINKS = 8;
/** Signatures checked at most while looking for a way up: pools may be made to have many. */
const MOST_CHECKS = 256;

/** What a chain is built from. */
export interface ChainPools {
  readonly intermediates: readonly Certificate[];
  readonly roots: readonly Certificate[];
}

/**
 * The chain from a certificate for code signing to one of the roots, both included (RFC 5280 section
 * 6; signatures are checked by the crypto library). Throws a Fault `denied` with the peer's words.
 */
export function buildChain(
  leaf: Certificate,
  pools: ChainPools,
  now: Date,
): readonly Certificate[] {
  if (!isInTime(leaf, now)) throw refused("x509: certificate has expired or is not yet valid");
  if (!isUnderstood(leaf)) throw refused("x509: unhandled critical extension");
  const budget = { checks: MOST_CHECKS };
  const chain = climb([leaf], pools, now, budget);
  if (chain === undefined) throw refused("x509: certificate signed by unknown authority");
  // Every certificate of the way may narrow what the key is for.
  const fits = chain.every(({ parts }) => {
    const usages = extendedUsages(parts);
    return (
      usages === undefined || usages.includes(USAGE_CODE_SIGNING) || usages.includes(USAGE_ANY)
    );
  });
  if (!fits) throw refused("x509: certificate specifies an incompatible key usage");
  return chain;
}

function climb(
  chain: readonly Certificate[],
  pools: ChainPools,
  now: Date,
  budget: { checks: number },
): readonly Certificate[] | undefined {
  const last = chain.at(-1);
  if (last === undefined || chain.length > MOST_LINKS) return undefined;
  // A certificate that is itself among the roots needs nobody above it.
  if (pools.roots.some(({ der }) => isEqual(der, last.der))) return chain;
  for (const root of pools.roots) {
    if (isIssuer(root, last, chain, now, budget)) return [...chain, root];
  }
  for (const next of pools.intermediates) {
    if (chain.some(({ der }) => isEqual(der, next.der))) continue;
    if (!isIssuer(next, last, chain, now, budget)) continue;
    const found = climb([...chain, next], pools, now, budget);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isIssuer(
  issuer: Certificate,
  child: Certificate,
  chain: readonly Certificate[],
  now: Date,
  budget: { checks: number },
): boolean {
  if (!isEqual(issuer.parts.subject, child.parts.issuer)) return false;
  const { isAuthority, pathLength } = basicConstraints(issuer.parts);
  // The leaf does not count, nor do authorities that issued to themselves.
  const between = chain.slice(1).filter(({ parts }) => !isEqual(parts.subject, parts.issuer));
  if (!isAuthority || between.length > pathLength) return false;
  if (!maySignCertificates(issuer.parts) || !isUnderstood(issuer) || !isInTime(issuer, now)) {
    return false;
  }
  budget.checks -= 1;
  return budget.checks >= 0 && isSignedBy(child, issuer);
}

/** Whether the issuer's key made the certificate's signature. */
export function isSignedBy(child: Certificate, issuer: Certificate): boolean {
  try {
    return child.x509.verify(issuer.x509.publicKey);
  } catch {
    // An algorithm that the library does not have.
    return false;
  }
}

/** Whether a certificate holds at that time. */
export function isInTime({ x509 }: Certificate, now: Date): boolean {
  return new Date(x509.validFrom) <= now && now <= new Date(x509.validTo);
}

function isUnderstood({ parts }: Certificate): boolean {
  return parts.extensions.every(({ oid, isCritical }) => !isCritical || UNDERSTOOD.includes(oid));
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function refused(message: string): Fault {
  return new Fault("denied", message);
}
