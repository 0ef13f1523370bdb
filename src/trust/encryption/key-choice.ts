/** How the key of an encrypted image is given. */
export type EncryptionKey =
  /** `passphrase` absent: it is to be asked for. */
  | { readonly kind: "passphrase"; readonly passphrase?: string }
  | { readonly kind: "pem-file"; readonly path: string }
  | { readonly kind: "pem-text"; readonly text: string };

/** Flags of a command that takes keys. */
export interface EncryptionFlags {
  readonly passphrase: boolean;
  /** "" when not given. */
  readonly pemPath: string;
}

/**
 * The key that flags and environment give: `--pem-path`, `--passphrase`, then the variables
 * ENCRYPTION_PEM_DATA, ENCRYPTION_PEM_PATH and ENCRYPTION_PASSPHRASE under each prefix
 * (reference: cli.md sections 2 and 10). Undefined: none is given.
 */
export function encryptionKey(
  flags: EncryptionFlags,
  env: Readonly<Record<string, string>>,
): EncryptionKey | undefined {
  const variable = (suffix: string): string =>
    ["SKIFF", "APPTAINER", "SINGULARITY"]
      .map((prefix) => env[`${prefix}_ENCRYPTION_${suffix}`] ?? "")
      .find((value) => value !== "") ?? "";
  if (flags.pemPath !== "") return { kind: "pem-file", path: flags.pemPath };
  if (flags.passphrase) {
    const passphrase = variable("PASSPHRASE");
    return { kind: "passphrase", ...(passphrase === "" ? {} : { passphrase }) };
  }
  const text = variable("PEM_DATA");
  if (text !== "") return { kind: "pem-text", text };
  const path = variable("PEM_PATH");
  if (path !== "") return { kind: "pem-file", path };
  const passphrase = variable("PASSPHRASE");
  return passphrase === "" ? undefined : { kind: "passphrase", passphrase };
}
