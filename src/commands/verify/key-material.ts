import { Fault } from "../../base/fault.ts";
import type { Invocation } from "../../cli/invocation.ts";
import type { HostFacts } from "../../plan/facts.ts";
import type { Context } from "../../terminal/context.ts";
import { IntegrityFault, type IntegrityKind } from "../../trust/verify/integrity-fault.ts";
import type { KeyMaterial } from "../../trust/verify/key-material.ts";

/** Files that distributions keep the system's certificates in. */
const SYSTEM_ROOTS = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** How the ways to read keys and ask servers are brought in: they are files of the commands folder. */
export interface KeyReaders {
  read(path: string): Uint8Array<ArrayBuffer>;
  pgp(): Promise<KeyMaterial>;
}

/** The keys that the flags select; says which. Throws a Fault that names what cannot be loaded, an IntegrityFault for a certificate that does not hold. */
export async function keyMaterial(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
  readers: KeyReaders,
): Promise<KeyMaterial> {
  const certificate = inv.string("certificate");
  const key = inv.string("key");
  if (certificate !== "") {
    ctx.log.info(`Verifying image with key material from certificate '${certificate}'`);
    return await certificateMaterial(inv, ctx, host, readers);
  }
  if (key !== "") {
    ctx.log.info(`Verifying image with key material from '${key}'`);
    const [{ loadPublicKey }, { envelopeVerifier }] = await Promise.all([
      import("../../trust/pem/load-key.ts"),
      import("../../trust/pem/envelope-keys.ts"),
    ]);
    const loaded = loading("key material", () => loadPublicKey(textOf(readers.read(key))));
    return { envelope: envelopeVerifier([loaded]) };
  }
  ctx.log.info("Verifying image with PGP key material");
  return await readers.pgp();
}

async function certificateMaterial(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
  { read }: KeyReaders,
): Promise<KeyMaterial> {
  const [{ readCertificates }, { buildChain }, { envelopeVerifier }] = await Promise.all([
    import("../../trust/x509/pool.ts"),
    import("../../trust/x509/chain.ts"),
    import("../../trust/pem/envelope-keys.ts"),
  ]);
  const pool = (flag: string, what: string) =>
    inv.string(flag) === ""
      ? []
      : loading(what, () => readCertificates(textOf(read(inv.string(flag)))));
  const [leaf] = pool("certificate", "certificate");
  const intermediates = pool("certificate-intermediates", "intermediate certificates");
  let roots = pool("certificate-roots", "root certificates");
  if (inv.string("certificate-roots") === "") {
    const file = SYSTEM_ROOTS.find((path) => host.realPath(path) !== undefined);
    roots = file === undefined ? [] : readCertificates(textOf(read(file)));
  }
  if (leaf === undefined) throw new Fault("invalid", "Failed to load certificate: it is empty");
  const now = new Date();
  try {
    const chain = buildChain(leaf, { intermediates, roots }, now);
    if (inv.bool("ocsp-verify")) {
      const [{ checkRevoked }, { ocspPort }] = await Promise.all([
        import("../../trust/x509/check-revoked.ts"),
        import("../../registry/http/ocsp.ts"),
      ]);
      await checkRevoked(chain, ocspPort(ctx.env), now);
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new IntegrityFault(kindOf(error.message), error.message, "");
  }
  return { envelope: envelopeVerifier([leaf.x509.publicKey]) };
}

function kindOf(why: string): IntegrityKind {
  if (why.startsWith("x509: ")) return /expired/.test(why) ? "expired" : "untrusted";
  // A server that cannot be asked leaves the question open.
  return /revoked/.test(why) ? "revoked" : "unusable";
}

function loading<T>(what: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.code, `Failed to load ${what}: ${error.message}`, { cause: error });
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
