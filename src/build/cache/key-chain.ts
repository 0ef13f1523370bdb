import type { StepInputs } from "../step.ts";
import { digestOf } from "./digest.ts";
import { PARENT } from "./explain-miss.ts";

const CHAIN_FORMAT = 1;

/**
 * Keys of the steps of a stage that are the same on every machine: digests of what a step depends on,
 * the key of the step before it among it, but of nothing that only says where it was carried out, such
 * as the ids of one user. Images carry them, for builds elsewhere (cache/other-images.ts).
 */
export class KeyChain {
  readonly #context: StepInputs;
  #keys: string[] = [];
  #isBroken = false;

  /** @param context what the first step depends on besides its own inputs. */
  constructor(context: StepInputs) {
    this.#context = context;
  }

  /** Keys of the steps so far; none when it is not known what one of them depends on. */
  get keys(): readonly string[] {
    return this.#isBroken ? [] : this.#keys;
  }

  /** Adds a step; gives its key, undefined when that cannot be known. */
  add(own: StepInputs | undefined): string | undefined {
    if (own === undefined) this.#isBroken = true;
    if (own === undefined || this.#isBroken) return undefined;
    const before = this.#keys.at(-1);
    const first = before === undefined ? [...this.#context] : [[PARENT, before] as const];
    const inputs = [...first, ...own].sort(([a], [b]) => (a < b ? -1 : 1));
    const key = digestOf(JSON.stringify([CHAIN_FORMAT, ...inputs]));
    this.#keys.push(key);
    return key;
  }

  /** The chain of a stage that goes on with this one. */
  fork(): KeyChain {
    const chain = new KeyChain(this.#context);
    chain.#keys = [...this.#keys];
    chain.#isBroken = this.#isBroken;
    return chain;
  }
}
