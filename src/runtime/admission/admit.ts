import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import type { AdmissionFiles } from "../../config/admission-files.ts";
import { userDirectory } from "../../config/user-directory.ts";
import { cachePlaces } from "../../image/cache/places.ts";
import { type Judged, judgeByEcl, judgeByPolicy } from "./judge.ts";

/** An image that is about to be started. */
export interface AdmissionQuestion {
  readonly rules: AdmissionFiles;
  /** Real path of the image. */
  readonly path: string;
  /** Address that it was fetched from; absent: it was named by its path. */
  readonly source?: string;
  readonly files: FileView;
  readonly prefix: string;
  readonly env: Readonly<Record<string, string>>;
  readonly accountHome: string | undefined;
  readonly cwd: string;
}

/** Why an image may not be started, as a Fault says it. */
export interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/**
 * Asks the rules of this machine whether an image may be started; undefined when it may. A value and
 * no Fault, as this is a part of its own that the launch loads: rules that cannot be read refuse.
 */
export async function admit(question: AdmissionQuestion): Promise<Refusal | undefined> {
  const { rules, files, path } = question;
  try {
    const judged: Judged = {
      path,
      source: question.source ?? "",
      files,
      prefix: question.prefix,
      folder: verdictFolder(question),
    };
    if (rules.ecl !== undefined) {
      const refusal = await judgeByEcl(judged, textOf(files, rules.ecl), rules.ecl);
      if (refusal !== undefined) {
        return {
          message: `while checking container image with ECL: ${refusal}`,
          hint: `the execution control list is ${rules.ecl}; ask the administrator`,
        };
      }
    }
    if (rules.policy === undefined) return undefined;
    const verdict = await judgeByPolicy(judged, textOf(files, rules.policy), rules.policy);
    if (verdict.refusal === undefined) return undefined;
    const by = verdict.rule === undefined ? "its default" : `"${verdict.rule.name}"`;
    return {
      message: `Cannot start "${path}": the trust policy does not admit it (${by}): ${verdict.refusal}`,
      hint: `the policy is ${rules.policy}; ask the administrator`,
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return {
      message: `Cannot start "${path}": ${error.message}`,
      hint: error.hint ?? "rules of admission that cannot be followed admit nothing",
    };
  }
}

function textOf(files: FileView, path: string): string {
  const bytes = files.read(path);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw new Fault("denied", `Cannot read the rules of admission "${path}"`);
}

function verdictFolder({ env, accountHome, cwd }: AdmissionQuestion): string {
  const { root } = cachePlaces({
    env,
    userDirectory: userDirectory({ env, accountHome, cwd }),
    cwd,
    sharedCache: "",
  });
  return `${root}/skiff/verdicts`;
}
