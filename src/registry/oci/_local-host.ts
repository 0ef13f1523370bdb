/**
 * Whether plain http may be tried for a registry without being asked for: this machine, names of the
 * local link and private networks (reference: oci.md section 1).
 */
export function mayBePlain(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, "").replace(/^\[|\]$/g, "");
  return (
    name === "localhost" || name === "::1" || name.endsWith(".local") || isPrivateAddress(name)
  );
}

/** Whether a registry is on this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, "").replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || (isPrivateAddress(name) && /^127\./.test(name));
}

/** Whether a name is an IPv4 address of this machine, a private network or the link. */
export function isPrivateAddress(name: string): boolean {
  const parts = name.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part))) return false;
  const [a = 0, b = 0] = parts;
  return (
    a === 127 ||
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254)
  );
}
