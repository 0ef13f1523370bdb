import type { Config } from "../../plan/config.ts";
import type { HostFacts } from "../../plan/facts.ts";

/**
 * How one thing stands: `ok` as it should be; `limited` there, but something will not work or be
 * slow; `missing` not there.
 */
export type CheckState = "ok" | "limited" | "missing";

/** What one look at the host found, in words for its user. */
export interface Check {
  /** Stable name for machines: "fuse.device". */
  readonly id: string;
  /** Short name for people: "/dev/fuse". */
  readonly name: string;
  readonly state: CheckState;
  /** What was found: a version, a path, a number. */
  readonly found: string;
  /** What it means for the user, when it is not ok. */
  readonly means?: string;
  /** One line that mends it. */
  readonly remedy?: string;
}

/** What the probes look with. */
export interface ProbeInput {
  readonly host: HostFacts;
  readonly config: Config;
  /** Names of all directives, as a configuration file spells them. */
  readonly directives: readonly string[];
  /** Where images are kept; it need not exist. */
  readonly cacheDirectory: string;
  /** Where trees are unpacked. */
  readonly tmpDirectory: string;
}

/** All checks of one topic. */
export type Probe = (input: ProbeInput) => Promise<readonly Check[]>;
