import { dataTypeName } from "../../format/sif/codes.ts";
import { groupNumber, type SifDescriptor } from "../../format/sif/descriptor.ts";
import type { KeySource } from "../../trust/verify/key-material.ts";
import type { SignatureResult } from "../../trust/verify/verify-image.ts";

const SOURCES: Readonly<Record<KeySource, string>> = {
  global: "[GLOBAL]",
  local: "[LOCAL]",
  server: "[REMOTE]",
};

/** One signature's result as the peer shows it. */
export function resultText(result: SignatureResult): string {
  const { signer, verified, fault } = result;
  const lines: string[] = [];
  if (signer !== undefined) {
    const source = SOURCES[signer.source].padEnd(19);
    lines.push(
      `${source}Signing entity: ${signer.name}`,
      `${source}Fingerprint: ${signer.fingerprint.toUpperCase()}`,
    );
  }
  if (verified.length > 0) lines.push(...table(verified));
  if (fault !== undefined) {
    lines.push("", `Error encountered during signature verification: ${fault.message}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function table(objects: readonly SifDescriptor[]): readonly string[] {
  const rows = objects.map((o) => {
    const group = groupNumber(o.group) === 0 ? "NONE" : String(groupNumber(o.group));
    return `${String(o.id).padEnd(4)}|${group.padEnd(8)}|NONE    |${dataTypeName(o.dataType)}`;
  });
  return ["Objects verified:", "ID  |GROUP   |LINK    |TYPE", "-".repeat(48), ...rows];
}

/** The report of `--json`: one entry for each object that a signature is about. */
export function jsonReport(results: readonly SignatureResult[], verdict?: string): string {
  const keys = results.flatMap(({ signer, verified, alteredObject }) => {
    const entry = (object: SifDescriptor, isGood: boolean) => ({
      Signer: {
        Partition: dataTypeName(object.dataType),
        Name: signer?.name ?? "unknown",
        Fingerprint: signer?.fingerprint ?? "",
        KeyLocal: signer?.source === "local",
        KeyCheck: signer !== undefined,
        DataCheck: isGood,
      },
    });
    const altered = alteredObject === undefined ? [] : [entry(alteredObject, false)];
    return [...verified.map((o) => entry(o, true)), ...altered];
  });
  const report = {
    Signatures: results.length,
    SignerKeys: keys.length === 0 ? null : keys,
    ...(verdict === undefined ? {} : { Verdict: verdict }),
  };
  // As the peer's encoder writes these.
  const escaped = JSON.stringify(report, undefined, 2).replace(
    /[<>&]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${escaped}\n`;
}
