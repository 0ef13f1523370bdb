/** A key server on the loopback interface that keeps what it is given in memory. */
export interface TestKeyServer {
  readonly url: string;
  /** Requests as `METHOD path`, with the Authorization header behind a blank where there is one. */
  readonly requests: string[];
  /** Armored keys by fingerprint in lower case, with their user id. */
  readonly keys: Map<string, { readonly armored: string; readonly userId: string }>;
  stop(): void;
}

/** `token`: the only Authorization that is let in. */
export function startKeyServer(token?: string): TestKeyServer {
  const requests: string[] = [];
  const keys: TestKeyServer["keys"] = new Map();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const url = new URL(request.url);
      const authorization = request.headers.get("authorization");
      requests.push(
        `${request.method} ${url.pathname}${url.search}${authorization ? ` ${authorization}` : ""}`,
      );
      if (token !== undefined && authorization !== token) {
        return new Response("log in first", { status: 401 });
      }
      if (url.pathname === "/pks/add") return await addKey(await request.text());
      if (url.pathname === "/pks/lookup") return lookUp(url.searchParams);
      return new Response("ok");
    },
  });
  const addKey = async (body: string): Promise<Response> => {
    const armored = new URLSearchParams(body).get("keytext") ?? "";
    const { readKey } = await import("openpgp");
    const key = await readKey({ armoredKey: armored });
    keys.set(key.getFingerprint(), { armored, userId: key.getUserIDs()[0] ?? "" });
    return new Response("stored");
  };
  const lookUp = (query: URLSearchParams): Response => {
    const search = (query.get("search") ?? "").toLowerCase();
    const isId = search.startsWith("0x");
    const found = [...keys].filter(([fingerprint, { userId }]) =>
      isId ? fingerprint.endsWith(search.slice(2)) : userId.toLowerCase().includes(search),
    );
    if (query.get("op") === "get") {
      const armored = found.map(([, key]) => key.armored).join("\n");
      return armored === "" ? new Response("not found", { status: 404 }) : new Response(armored);
    }
    if (found.length === 0) return new Response("not found", { status: 404 });
    // One key a page.
    const at = Number(query.get("x-pagetoken") ?? "0");
    const one = found[at];
    const lines = [`info:1:${one === undefined ? 0 : 1}`];
    if (one !== undefined) {
      const [fingerprint, { userId }] = one;
      lines.push(
        `pub:${fingerprint.toUpperCase()}:1:2048:1588023536::`,
        `uid:${encodeURIComponent(userId)}:::`,
      );
    }
    const next = at + 1 < found.length ? { "x-hkp-next-page-token": String(at + 1) } : {};
    return new Response(`${lines.join("\n")}\n`, { headers: next });
  };
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    keys,
    stop: () => void server.stop(true),
  };
}
