import { Fault } from "../../base/fault.ts";
import { HttpClient } from "./client.ts";
import { HttpFault } from "./http-fault.ts";
import { readWhole } from "./read-body.ts";

const LIMIT_BYTES = 256 * 1024;

/** Sends requests to OCSP servers, as trust/x509 asks for (RFC 6960 appendix A). Gives a function that throws a Fault. */
export function ocspPort(
  env: Readonly<Record<string, string>>,
): (url: string, request: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>> {
  const http = new HttpClient({ env, configDir: "" });
  return async (url, request) => {
    if (!/^https?:\/\//.test(url)) {
      throw new Fault("invalid", `the certificate names "${url}", which is no address of a server`);
    }
    const answer = await http.send({
      method: "POST",
      url,
      headers: {
        "content-type": "application/ocsp-request",
        accept: "application/ocsp-response",
      },
      body: request,
      timeoutMs: 10_000,
      tries: 2,
    });
    if (!answer.ok) throw new HttpFault(answer.status, `${url} answers ${answer.status}`);
    return await readWhole(answer, LIMIT_BYTES, `Cannot read the answer of ${url}`);
  };
}
