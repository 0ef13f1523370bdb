import type { Blob, PackedImage } from "./test-image.ts";

/** A registry made for faults: answers from memory, and lets a test answer instead. */
export interface FakeRegistry {
  readonly host: string;
  readonly url: string;
  /** `METHOD /path`, in the order in which they came. */
  readonly requests: string[];
  /** Values of the Authorization header, "" for none, as `requests`. */
  readonly authorizations: string[];
  /** Asked first for each request; undefined: the usual answer. */
  answer: (request: Request, path: string) => Response | Promise<Response> | undefined;
  stop(): void;
}

/** Serves one image under every name and tag. */
export function serveImage(image: PackedImage): FakeRegistry {
  const blobs = new Map<string, Blob>();
  for (const blob of [image.config, ...image.layers]) blobs.set(blob.digest, blob);
  const requests: string[] = [];
  const authorizations: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 30,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      requests.push(`${request.method} ${pathname}${search}`);
      authorizations.push(request.headers.get("authorization") ?? "");
      const special = await registry.answer(request, pathname);
      if (special !== undefined) return special;
      if (/\/manifests\//.test(pathname)) return manifestOf(image.manifest);
      const blob = blobs.get(pathname.split("/").at(-1) ?? "");
      if (blob !== undefined) return blobAnswer(blob, request);
      return pathname === "/v2/" ? new Response("{}") : new Response("", { status: 404 });
    },
  });
  const registry: FakeRegistry = {
    host: `127.0.0.1:${server.port}`,
    url: `http://127.0.0.1:${server.port}`,
    requests,
    authorizations,
    answer: () => undefined,
    stop: () => void server.stop(true),
  };
  return registry;
}

export function manifestOf(manifest: Blob & { readonly mediaType: string }): Response {
  return new Response(new Uint8Array(manifest.bytes), {
    headers: {
      "content-type": manifest.mediaType,
      "docker-content-digest": manifest.digest,
    },
  });
}

export function blobAnswer(blob: Blob, request: Request): Response {
  const [, from, to = ""] =
    /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (from === undefined) return new Response(new Uint8Array(blob.bytes));
  const all = blob.bytes.length;
  const end = to === "" ? all : Math.min(all, Number(to) + 1);
  return new Response(new Uint8Array(blob.bytes.subarray(Number(from), end)), {
    status: 206,
    headers: { "content-range": `bytes ${from}-${end - 1}/${all}` },
  });
}
