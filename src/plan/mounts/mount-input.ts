import type { BindSpec } from "../bind-spec.ts";
import type { Config } from "../config.ts";
import type { HostFacts, ImageFacts } from "../facts.ts";
import type { GpuBinds } from "../gpu-binds.ts";
import type { IdentityPlan, NamespacePlan, RootPlan } from "../plan.ts";
import type { LaunchRequest } from "../request.ts";

/** Home of the container. */
export interface HomePlan {
  /** Host directory; absent: an empty directory. */
  readonly source: string | undefined;
  /** HOME in the container. */
  readonly target: string;
  /** Given by --home. */
  readonly custom: boolean;
  readonly why: string;
}

/** Everything the rules of the mounts look at. */
export interface MountInput {
  readonly request: LaunchRequest;
  readonly config: Config;
  readonly host: HostFacts;
  readonly image: ImageFacts;
  /** Opened image files of `image-src` binds, by absolute path. */
  readonly volumes: ReadonlyMap<string, ImageFacts>;
  readonly identity: IdentityPlan;
  readonly namespaces: NamespacePlan;
  readonly root: RootPlan;
  readonly home: HomePlan;
  readonly binds: readonly BindSpec[];
  readonly gpu: GpuBinds;
  /** In place of the host's, which the container's network cannot reach; empty: the host's. */
  readonly nameservers: readonly string[];
  /** fakeroot command to make usable in the container. */
  readonly fakerootFiles: readonly {
    readonly name: string;
    readonly source: string;
    readonly why: string;
  }[];
}

/** Whether a word of `--no-mount` (or a destination) was given. */
export function isUnwanted(request: LaunchRequest, word: string): boolean {
  return request.noMount.includes(word);
}
