/** `exit`: ends the shell or subshell. */
export class ExitSignal {
  readonly status: number;

  constructor(status: number) {
    this.status = status;
  }
}
