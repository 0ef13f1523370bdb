import type { ByteSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { primaryPartition, readSif, type SifImage } from "../../format/sif/image.ts";
import { openFile } from "../../host/open-file.ts";
import { FIRST_BLOCK_BYTES, recognize } from "../../image/recognize.ts";
import {
  type ExecutionControlList,
  groupOf,
  parseEcl,
  refusalOf,
} from "../../trust/admission/ecl.ts";
import {
  type PolicyRule,
  parsePolicy,
  ruleFor,
  signatureRefusal,
  type TrustPolicy,
} from "../../trust/admission/policy.ts";
import { type Survey, surveyImage } from "../../trust/admission/survey.ts";
import { globalRings } from "../../trust/key-places.ts";
import { localSignedImage } from "../../trust/signed-image.ts";
import type { KeyMaterial } from "../../trust/verify/key-material.ts";
import type { VerifyChoice } from "../../trust/verify/tasks.ts";
import { contentDigest, remembered } from "./verdicts.ts";

/** An image to be judged, and what judging it needs. */
export interface Judged {
  /** Real path of the image. */
  readonly path: string;
  /** Address that it was named by; "" when by its path. */
  readonly source: string;
  /** Files of this machine: rules and keys are read through it. */
  readonly files: FileView;
  /** Where what is known about images is kept. */
  readonly folder: string;
  readonly prefix: string;
}

/** Why the execution control list does not admit an image, by its text; undefined when it does. */
export async function judgeByEcl(
  judged: Judged,
  text: string,
  path: string,
): Promise<string | undefined> {
  const list = parseEcl(text, path);
  if (!list.isActivated) return undefined;
  return await withSif(judged, async (sif, source) => {
    const group = groupOf(list, judged.path);
    if (group === undefined) return `${judged.path} not part of any execgroup`;
    const choice = legacyChoice(list, sif);
    const keys = await ringKeys(judged, "");
    return refusalOf(group, await survey(judged, source, sif, keys, choice));
  });
}

/** What a trust policy says about an image. */
export interface PolicyVerdict {
  /** Undefined: no rule is about it, the default holds. */
  readonly rule: PolicyRule | undefined;
  /** Undefined: it is admitted. */
  readonly refusal: string | undefined;
}

/** What a trust policy says about an image, by its text. */
export async function judgeByPolicy(
  judged: Judged,
  text: string,
  path: string,
): Promise<PolicyVerdict> {
  const policy = parsePolicy(text, path);
  const rule = ruleFor(policy, judged);
  if (rule === undefined) {
    const isAccepted = policy.defaultAction === "accept";
    return { rule, refusal: isAccepted ? undefined : "no rule is about it" };
  }
  if (rule.action === "accept") return { rule, refusal: undefined };
  if (rule.action === "reject") return { rule, refusal: "it is rejected" };
  const found = await withSif(judged, async (sif, source) => {
    const keys = await ruleKeys(judged, policy, rule);
    return signatureRefusal(rule, await survey(judged, source, sif, keys, {})) ?? "";
  });
  if (found === undefined) return { rule, refusal: "it is no SIF, and only those can be signed" };
  return { rule, refusal: found === "" ? undefined : found };
}

/** Keys with a digest of where they come from. */
interface KnownKeys {
  readonly material: KeyMaterial;
  readonly digest: string;
}

async function survey(
  judged: Judged,
  source: ByteSource,
  sif: SifImage,
  keys: KnownKeys,
  choice: VerifyChoice,
): Promise<Survey> {
  const digest = contentDigest(judged.folder, judged.path, source);
  const how = choice.legacy === true ? `${keys.digest}-legacy` : keys.digest;
  return await remembered(judged.folder, digest, how, () =>
    surveyImage(localSignedImage(sif, source), keys.material, choice),
  );
}

/** What `act` gives for a SIF; undefined for images of other kinds, which carry no signatures. */
async function withSif<T>(
  { path }: Judged,
  act: (sif: SifImage, source: ByteSource) => Promise<T>,
): Promise<T | undefined> {
  const file = openFile(path);
  if (typeof file === "number") {
    throw new Fault("denied", `Cannot read "${path}" to check its signatures`);
  }
  try {
    const { source } = file;
    const first = source.read(0, Math.min(FIRST_BLOCK_BYTES, source.sizeBytes));
    if (recognize(first)?.format !== "sif") return undefined;
    return await act(readSif(source), source);
  } finally {
    file.close();
  }
}

/** Legacy signatures are on the primary partition only. */
function legacyChoice(list: ExecutionControlList, sif: SifImage): VerifyChoice {
  if (!list.legacy) return {};
  return { legacy: true, object: primaryPartition(sif)?.id ?? 0 };
}

/** The PGP keys of a ring; "" is the system's, which only root can change. */
async function ringKeys({ files, prefix }: Judged, path: string): Promise<KnownKeys> {
  const ring = path === "" ? globalRings(prefix).find((one) => files.lstat(one)) : path;
  const bytes = ring === undefined ? new Uint8Array(0) : files.read(ring);
  if (bytes === undefined) {
    throw new Fault("denied", `Cannot read the key ring "${ring}"`, {
      hint: "every user has to be able to read it (mode 0644)",
    });
  }
  const material: KeyMaterial = {
    pgp: {
      // Loaded when a signature is really checked: mostly the verdict is known.
      verify: async (signature) => {
        const [{ clearSignVerifier }, { findInOrder }, { readKeyFile }] = await Promise.all([
          import("../../trust/pgp/verify-clear-signed.ts"),
          import("../../trust/pgp/find-keys.ts"),
          import("../../trust/pgp/key-ring.ts"),
        ]);
        const keys = bytes.length === 0 ? [] : await readKeyFile(bytes);
        const find = findInOrder([{ source: "global", keys: async () => keys }]);
        return await clearSignVerifier(find, new Date()).verify(signature);
      },
    },
  };
  return { material, digest: digestOf(bytes) };
}

async function ruleKeys(judged: Judged, policy: TrustPolicy, rule: PolicyRule): Promise<KnownKeys> {
  if (rule.pem.length === 0) return await ringKeys(judged, policy.keyring);
  const texts = rule.pem.map((path) => {
    const bytes = judged.files.read(path);
    if (bytes === undefined) throw new Fault("not-found", `Cannot read the key "${path}"`);
    return new TextDecoder().decode(bytes);
  });
  const [{ loadPublicKey }, { envelopeVerifier }] = await Promise.all([
    import("../../trust/pem/load-key.ts"),
    import("../../trust/pem/envelope-keys.ts"),
  ]);
  const all = rule.require === "all";
  const keys = texts.map(loadPublicKey);
  const verifiers = keys.map((key) => envelopeVerifier([key]));
  const material: KeyMaterial = {
    envelope: all
      ? {
          verify: async (envelope) => {
            const checks = await Promise.all(verifiers.map((one) => one.verify(envelope)));
            return checks.find((check) => check.failure !== undefined) ?? {};
          },
        }
      : envelopeVerifier(keys),
  };
  const text = `${rule.require}\0${texts.join("\0")}`;
  return { material, digest: digestOf(new TextEncoder().encode(text)) };
}

function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 32);
}
