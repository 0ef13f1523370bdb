import { Fault } from "../../base/fault.ts";

/**
 * Address of a key server as http or https, without a slash at its end: `hkp:` is http at port 11371,
 * `hkps:` is https (key-api.md section 1). Throws a Fault `usage` for anything else.
 */
export function keyServerUrl(text: string): string {
  const [, scheme = "", rest = ""] = /^(https?|hkps?):\/\/(.+)$/i.exec(text) ?? [];
  const isPlain = /^(http|hkp)$/i.test(scheme);
  const url = URL.parse(`${isPlain ? "http" : "https"}://${rest}`);
  if (url === null || scheme === "") {
    throw new Fault("usage", `"${text}" is no address of a key server`, {
      exitCode: 255,
      hint: "write https://keys.example.org, or hkp://keys.example.org",
    });
  }
  if (/^hkp$/i.test(scheme) && url.port === "") url.port = "11371";
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
