import { namesIn, readIfThere } from "../local-files.ts";

/** What TLS to one host stands on; the names are those of Bun's fetch. */
export interface TlsOptions {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

type Environment = Readonly<Record<string, string>>;

const BEGIN = "-----BEGIN";

/** Where distributions keep the certificates that the machine trusts. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * Certificates for a host (`name:port` or `name`): the machine's, or those of SSL_CERT_FILE; those of
 * NODE_EXTRA_CA_CERTS and in the directories of SSL_CERT_DIR; and what sites keep for one registry in /etc/docker/certs.d/HOST and
 * /etc/containers/certs.d/HOST: `*.crt` to trust, `*.cert` with `*.key` to show.
 */
export function trustFor(host: string, env: Environment, configDir: string): TlsOptions {
  const given = env["SSL_CERT_FILE"]?.trim();
  const system = given ? readIfThere(given) : firstText(SYSTEM_BUNDLES);
  const extra = env["NODE_EXTRA_CA_CERTS"]?.trim();
  const ca = [system, extra ? readIfThere(extra) : undefined];
  for (const folder of (env["SSL_CERT_DIR"] ?? "").split(":").filter((one) => one !== "")) {
    for (const name of namesIn(folder)) ca.push(readIfThere(`${folder}/${name}`));
  }
  let cert: string | undefined;
  let key: string | undefined;
  const folders = ["/etc/docker/certs.d", "/etc/containers/certs.d", `${configDir}/certs.d`];
  for (const folder of folders.map((parent) => `${parent}/${host}`)) {
    for (const name of namesIn(folder)) {
      if (name.endsWith(".crt")) ca.push(readIfThere(`${folder}/${name}`));
      if (!name.endsWith(".cert")) continue;
      cert = readIfThere(`${folder}/${name}`);
      key = readIfThere(`${folder}/${name.slice(0, -4)}key`);
    }
  }
  const texts = ca.filter((text) => text?.includes(BEGIN) === true) as string[];
  return {
    // Without any list of its own the run-time's built-in one counts.
    ...(texts.length === 0 ? {} : { ca: texts }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** Whether a file can be read and has something like a certificate in it. */
export function holdsCertificates(path: string): boolean {
  return readIfThere(path)?.includes(BEGIN) === true;
}

function firstText(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const text = readIfThere(path);
    if (text !== undefined) return text;
  }
  return undefined;
}
