import type { FileView } from "../base/file-view.ts";

/** Files that say which images may be started. */
export interface AdmissionFiles {
  /** Path of an execution control list that is switched on. */
  readonly ecl?: string;
  /** Path of a trust policy. */
  readonly policy?: string;
}

/**
 * The rules of admission of this machine; undefined without any, as on most: then this is a few looks
 * at files that are not there. Of several files the first counts; one of skiff's own directories goes
 * before the peers'. A list that is not switched on is as good as none.
 */
export function admissionFiles(files: FileView, prefix: string): AdmissionFiles | undefined {
  const own = prefix === "" || prefix === "/" ? [] : [`${prefix}/etc/skiff`];
  const skiff = [...own, "/etc/skiff"];
  const has = (path: string): boolean => files.lstat(path) !== undefined;
  const policy = skiff.map((place) => `${place}/trust-policy.toml`).find(has);
  const places = [...skiff, "/etc/apptainer", "/etc/singularity"];
  const ecl = places.map((place) => `${place}/ecl.toml`).find(has);
  const isOn = ecl !== undefined && isActivated(files.read(ecl));
  if (policy === undefined && !isOn) return undefined;
  return { ...(isOn ? { ecl } : {}), ...(policy === undefined ? {} : { policy }) };
}

/** A quick look, before a parser is loaded: unreadable counts as on, so that nobody is let in by mistake. */
function isActivated(bytes: Uint8Array | undefined): boolean {
  if (bytes === undefined) return true;
  const text = new TextDecoder().decode(bytes);
  return /^[^#\n]*activated["']?\s*=\s*true/m.test(text);
}
