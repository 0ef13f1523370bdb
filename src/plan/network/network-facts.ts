import type { CniNetwork } from "./cni-config.ts";

/** What this machine has for networks of containers. */
export interface NetworkFacts {
  /** Configured networks, those of earlier directories first. */
  readonly networks: readonly CniNetwork[];
  /** Directories with CNI plugins. */
  readonly pluginPath: readonly string[];
  hasPlugin(type: string): boolean;
  /** Programs that connect the network of an ordinary user. */
  readonly pasta: string | undefined;
  readonly slirp4netns: string | undefined;
  /** Nameservers of the host. */
  readonly nameservers: readonly string[];
  /** This program, for the helper that stays outside. */
  readonly self: string;
}
