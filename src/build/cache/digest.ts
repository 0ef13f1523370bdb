/** SHA-256 of a text or bytes, as hexadecimal digits. */
export function digestOf(content: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(content).digest("hex");
}
