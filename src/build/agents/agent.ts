import type { Stage } from "../stage.ts";
import type { StepInputs } from "../step.ts";

/** Makes the first content of a root from what a header says. One file an agent, all of this shape. */
export interface Agent {
  /**
   * What the content depends on (step.ts); absent or undefined: nobody knows, and the base is made
   * anew each time.
   */
  inputs?(stage: Stage): StepInputs | undefined | Promise<StepInputs | undefined>;
  /** Fills the empty directory `stage.root`. */
  bootstrap(stage: Stage): Promise<void>;
  /**
   * Whether files that exist keep their content: yes for roots that come out of an image and have
   * their own scripts; no for those made from packages, whose /etc/hosts may even be the host's.
   */
  readonly keepsFiles: boolean;
  /** Runscript of a root that brings none. */
  readonly runscript: string;
}

/** Does nothing. */
export const SILENT_RUNSCRIPT: string = "#!/bin/sh\n";

/** Says that there is none. */
export const TELLING_RUNSCRIPT: string =
  '#!/bin/sh\necho "There is no runscript defined for this container"\n';
