import type { CosignSignature } from "./check-cosign.ts";

/** An image that cosign's signatures are about, wherever it lies. */
export interface CosignedPlace {
  /** Of the manifest, or of the index of several: what is signed. */
  readonly digest: string;
  /** Registry and repository, which the signed text names; "" for a file. */
  readonly reference: string;
  signatures(): Promise<readonly CosignSignature[]>;
  add(signature: CosignSignature): Promise<void>;
  /** Number of blobs whose bytes have been compared with their digests; undefined where a registry does that. Throws a Fault for one that differs. */
  checkBlobs(): number | undefined;
  close(): void;
}
