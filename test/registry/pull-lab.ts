import { afterAll, beforeAll } from "bun:test";
import { mkdirSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { homesIn } from "./homes.ts";
import { type LocalRegistry, noRegistry, startRegistry } from "./local-registry.ts";
import { sampleImage } from "./sample-image.ts";
import { upload } from "./test-image.ts";

const why = firstReason(noRegistry(), noTool("busybox"), noTool("mksquashfs"), noUserNamespaces());

/** A registry with the sample image in three packings, `tools/sample`, `tools/zstd` and `tools/plain`. */
export interface PullLab {
  /** A test that is skipped where the lab cannot be. */
  readonly testIt: ReturnType<typeof testUnless>;
  readonly image: ReturnType<typeof sampleImage>;
  /** The registry; there while tests run. */
  registry(): LocalRegistry;
  /** A new home, with the cache in it. */
  newHome(): string;
  call(home: string, args: readonly string[], env?: Record<string, string>): Promise<Finished>;
  /** `docker://` address of an image in the registry. */
  address(name: string): string;
  /** Requests that a piece of work makes. */
  requestsOf(work: () => Promise<unknown>): Promise<readonly string[]>;
}

/** Opens a lab; to be called at the top level of a test file. */
export function pullLab(): PullLab {
  const folder = scratch();
  const image = sampleImage();
  let started: LocalRegistry | undefined;
  const registry = (): LocalRegistry => {
    if (started === undefined) throw new Error("the registry is not started yet");
    return started;
  };
  beforeAll(async () => {
    if (why !== undefined) return;
    mkdirSync(`${folder}/registry`);
    started = await startRegistry({ folder: `${folder}/registry` });
    await upload(started.url, "tools/sample", "1", image);
    await upload(started.url, "tools/zstd", "1", sampleImage({ compression: "zstd" }));
    await upload(started.url, "tools/plain", "1", sampleImage({ compression: "none" }));
  });
  afterAll(() => started?.stop());
  return {
    testIt: testUnless(why),
    image,
    registry,
    newHome: homesIn(folder),
    call: (home, args, env = {}) =>
      skiff(args, { cwd: home, extraEnv: { HOME: home, ...env }, timeoutMs: 100_000 }),
    address: (name) => `docker://${registry().host}/${name}`,
    requestsOf: async (work) => {
      const before = registry().requests().length;
      await work();
      return registry().requests().slice(before);
    },
  };
}
