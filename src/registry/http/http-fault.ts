import { Fault, type FaultCode, type FaultOptions } from "../../base/fault.ts";

/** A server answered, but not with what was asked for. */
export class HttpFault extends Fault {
  readonly status: number;

  constructor(status: number, message: string, options: FaultOptions = {}) {
    super(codeOf(status), message, options);
    this.name = "HttpFault";
    this.status = status;
  }
}

function codeOf(status: number): FaultCode {
  if (status === 401 || status === 403 || status === 407) return "denied";
  return status === 404 || status === 410 ? "not-found" : "failed";
}
