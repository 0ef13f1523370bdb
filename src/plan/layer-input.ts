import type { Config } from "./config.ts";
import type { HostFacts, ImageFacts } from "./facts.ts";
import type { Notice } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

/** Everything the choice of layers depends on. */
export interface LayerInput {
  readonly request: LaunchRequest;
  readonly config: Config;
  readonly host: HostFacts;
  readonly image: ImageFacts;
  /** Opened `--overlay` files and directories by absolute path. */
  readonly volumes: ReadonlyMap<string, ImageFacts>;
  readonly userNamespace: boolean;
  /** User id of the program in the container. */
  readonly uid: number;
  readonly notices: Notice[];
}
