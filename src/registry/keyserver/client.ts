import { Fault } from "../../base/fault.ts";
import { type ListedKey, parseKeyIndex } from "../../format/hkp/key-index.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import { keyServerUrl } from "./address.ts";

/** A key server to be asked. */
export interface KeyServerPlace {
  readonly uri: string;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
}

const TIMEOUT_MS = 5000;
const LIMIT_BYTES = 16 * 1024 * 1024;
const PAGE_SIZE = 256;
/** More pages are of no use to a reader. */
const MOST_PAGES = 8;
const NEXT_PAGE = "x-hkp-next-page-token";

/** Talks HKP with one server (key-api.md section 3). All calls throw a Fault when it cannot be reached or refuses. */
export class KeyServerClient {
  readonly #http: HttpClient;
  readonly #place: KeyServerPlace;
  readonly #url: string;

  constructor(http: HttpClient, place: KeyServerPlace) {
    this.#http = http;
    this.#place = place;
    this.#url = keyServerUrl(place.uri);
  }

  /** Armored keys with that id or fingerprint (hexadecimal); undefined when the server has none. */
  async get(id: string): Promise<string | undefined> {
    const answer = await this.#lookup({ exact: "on", op: "get", search: `0x${id.toLowerCase()}` });
    if (answer.status === 404) {
      await answer.body?.cancel();
      return undefined;
    }
    return await this.#text(answer);
  }

  /** Keys that match words, an address, or `0x` and hexadecimal digits; undefined when the server says that it has none. */
  async search(words: string): Promise<readonly ListedKey[] | undefined> {
    const found: ListedKey[] = [];
    let token = "";
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await this.#lookup({
        fingerprint: "on",
        op: "index",
        options: "mr",
        search: words,
        "x-pagesize": String(PAGE_SIZE),
        ...(token === "" ? {} : { "x-pagetoken": token }),
      });
      if (answer.status === 404) {
        await answer.body?.cancel();
        return page === 0 ? undefined : found;
      }
      token = answer.headers.get(NEXT_PAGE) ?? "";
      found.push(...parseKeyIndex(await this.#text(answer)));
      if (token === "") break;
    }
    return found;
  }

  /** Sends an armored public key; gives what the server answers, "" for nothing. */
  async add(armored: string): Promise<string> {
    const answer = await this.#send("/pks/add", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ keytext: armored.trimEnd() }).toString(),
    });
    return (await this.#text(answer)).trim();
  }

  /** Asks whether a login is accepted: a GET of the server's own address has to answer 200. */
  async checkLogin(attempt: string): Promise<void> {
    const answer = await this.#http.send({
      url: `${this.#url}/`,
      authorization: this.#place.authorization,
      timeoutMs: TIMEOUT_MS,
      tries: 1,
    });
    await answer.body?.cancel();
    if (answer.status === 200) return;
    throw new HttpFault(answer.status, `${attempt}: error response from server: ${answer.status}`);
  }

  async #lookup(parameters: Readonly<Record<string, string>>): Promise<Response> {
    return await this.#send(`/pks/lookup?${new URLSearchParams(parameters)}`, {});
  }

  /** A path of the server's root, whatever path its address has. */
  async #send(
    path: string,
    request: { method?: "POST"; headers?: Readonly<Record<string, string>>; body?: string },
  ): Promise<Response> {
    return await this.#http.send({
      url: new URL(path, this.#url).href,
      authorization: this.#place.authorization,
      timeoutMs: TIMEOUT_MS,
      tries: 1,
      ...request,
    });
  }

  async #text(answer: Response): Promise<string> {
    if (answer.ok) {
      const attempt = `Cannot read the answer of ${this.#url}`;
      return new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, attempt));
    }
    const said = await readErrorBody(answer);
    throw new HttpFault(
      answer.status,
      `the key server ${this.#url} answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
      answer.status === 401 ? { hint: `log in with: keyserver login ${this.#place.uri}` } : {},
    );
  }
}

/** Asks one server after another until one has the key (key-api.md section 1); undefined when none has. */
export async function getFromAny(
  clients: readonly KeyServerClient[],
  id: string,
): Promise<string | undefined> {
  let failure: Fault | undefined;
  for (const client of clients) {
    try {
      const found = await client.get(id);
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}
