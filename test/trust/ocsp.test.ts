import { afterAll, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { run } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { desk } from "./signer.ts";

const { dir, skiff, image } = desk();
const absent = Bun.which("openssl") === null ? "openssl is not installed" : undefined;
const openssl = (...args: string[]) => run(["openssl", ...args], { as: "self", cwd: dir });
const servers: Bun.Subprocess[] = [];
afterAll(() => {
  for (const server of servers) server.kill();
});

/** A port that nobody listens at. */
function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

testUnless(absent)(
  "--ocsp-verify asks the certificate's server, and believes only its issuer",
  async () => {
    const port = freePort();
    const config = [
      "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:true",
      "[leaf]\nbasicConstraints=critical,CA:false\nextendedKeyUsage=codeSigning",
      `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${port}\n`,
    ].join("\n");
    await Bun.write(`${dir}/ca.cnf`, config);
    const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
    for (const name of ["root", "other"]) {
      const own = ["-x509", "-out", `${name}.crt`, "-subj", `/CN=${name}`, "-days", "9"];
      await openssl("req", ...key(name), ...own, "-extensions", "ca", "-config", "ca.cnf");
    }
    await openssl(
      "req",
      ...key("leaf"),
      "-out",
      "leaf.csr",
      "-subj",
      "/CN=leaf",
      "-config",
      "ca.cnf",
    );
    const by = ["-CA", "root.crt", "-CAkey", "root.key", "-set_serial", "0x1234", "-days", "9"];
    const how = ["-extfile", "ca.cnf", "-extensions", "leaf", "-out", "leaf.crt"];
    await openssl("x509", "-req", "-in", "leaf.csr", ...by, ...how);
    const path = await image();
    await skiff(["sign", "--key", "leaf.key", path]);

    const verify = () =>
      skiff([
        "verify",
        "--certificate",
        "leaf.crt",
        "--certificate-roots",
        "root.crt",
        "--ocsp-verify",
        path,
      ]);
    /** The responder of openssl, which answers from a file, until the verdict is there. */
    const answered = async (index: string, signer: string) => {
      writeFileSync(`${dir}/index.txt`, index);
      const words = ["-index", "index.txt", "-port", String(port), "-CA", "root.crt"];
      const server = Bun.spawn(
        ["openssl", "ocsp", ...words, "-rsigner", `${signer}.crt`, "-rkey", `${signer}.key`],
        { cwd: dir, stdout: "ignore", stderr: "ignore", stdin: "ignore" },
      );
      servers.push(server);
      // It serves one after another: a connection to see whether it is there would block it.
      let result = await verify();
      for (let i = 0; i < 40 && result.stdout.includes("nobody listens"); i++) {
        await Bun.sleep(100);
        result = await verify();
      }
      server.kill();
      await server.exited;
      return result;
    };
    const valid = "V\t331231000000Z\t\t1234\tunknown\t/CN=leaf\n";
    expect(await answered(valid, "root")).toMatchObject({ code: 0 });
    const revoked = await answered(
      "R\t331231000000Z\t260101000000Z\t1234\tunknown\t/CN=leaf\n",
      "root",
    );
    expect(revoked.stdout).toContain(": revoked key: ");
    expect(revoked.code).toBe(5);
    const forged = await answered(valid, "other");
    expect(forged.stdout).toContain("the answer's signature is not good");
    const away = await verify();
    expect(away.code).toBe(255);
  },
  60_000,
);
