import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy that loses connections. */
export interface CuttingProxy {
  readonly port: number;
  /** Bytes that came from the server, all connections together. */
  received(): number;
  connections(): number;
  stop(): void;
}

/**
 * Passes connections on to a port of loopback. `limitOf` gives, for the n-th connection from 0, how
 * many bytes of the server's it carries before it is reset; undefined for all.
 */
export async function startProxy(
  upstreamPort: number,
  limitOf: (connection: number) => number | undefined,
): Promise<CuttingProxy> {
  let received = 0;
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const limit = limitOf(connections) ?? Number.POSITIVE_INFINITY;
    connections += 1;
    const upstream = connect(upstreamPort, "127.0.0.1");
    let carried = 0;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => upstream.write(data));
    upstream.on("data", (data: Buffer) => {
      const piece = data.subarray(0, limit - carried);
      carried += piece.length;
      received += piece.length;
      if (carried < limit) {
        client.write(piece);
        return;
      }
      client.write(piece, () => client.resetAndDestroy());
      upstream.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    received: () => received,
    connections: () => connections,
    stop: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
