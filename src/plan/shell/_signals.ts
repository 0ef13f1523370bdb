/** `return`: ends the running function or sourced script. */
export class ReturnSignal {
  readonly status: number;

  constructor(status: number) {
    this.status = status;
  }
}

/** `break` and `continue`. */
export class LoopSignal {
  readonly kind: "break" | "continue";
  /** Loops still to leave, this one included. */
  readonly levels: number;

  constructor(kind: "break" | "continue", levels: number) {
    this.kind = kind;
    this.levels = levels;
  }
}
