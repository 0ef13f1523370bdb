import { afterAll, beforeAll, expect } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { type LocalRegistry, noRegistry, startRegistry } from "./local-registry.ts";
import { packImage, upload } from "./test-image.ts";

const why = firstReason(noRegistry(), noTool("mksquashfs"), noUserNamespaces());
const testIt = testUnless(why);
const folder = scratch();
const login = { username: "bob", password: "open:sesame" };
const basic = Buffer.from(`${login.username}:${login.password}`).toString("base64");
const wrong = Buffer.from("bob:wrong").toString("base64");
let registry: LocalRegistry;
let home = "";
let homes = 0;

beforeAll(async () => {
  if (why !== undefined) return;
  mkdirSync(`${folder}/registry`);
  registry = await startRegistry({ folder: `${folder}/registry`, login });
  const image = packImage({ layers: [[{ name: "etc/" }, { name: "etc/x", content: "x" }]] });
  await upload(registry.url, "private/image", "1", image, `Basic ${basic}`);
});
afterAll(() => registry?.stop());

/** A new home with these files in it. */
function newHome(files: Readonly<Record<string, string>> = {}): void {
  homes += 1;
  home = `${folder}/home-${homes}`;
  for (const [name, text] of Object.entries({ ".keep": "", ...files })) {
    const path = `${home}/${name}`;
    mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
    writeFileSync(path, text);
    if (text.startsWith("#!")) chmodSync(path, 0o755);
  }
  giveAway(home);
}

/** Makes a file or tree the ordinary user's. */
function giveAway(path: string): void {
  const user = ordinaryUser();
  if (isRoot && user !== undefined) {
    Bun.spawnSync(["chown", "-R", `${user.uid}:${user.gid}`, path]);
  }
}

function call(args: readonly string[], env = {}, stdin?: string): Promise<Finished> {
  return skiff(args, {
    cwd: home,
    extraEnv: { HOME: home, ...env },
    ...(stdin === undefined ? {} : { stdin }),
  });
}

const pull = (flags: readonly string[] = [], env = {}): Promise<Finished> =>
  call(["pull", "--force", ...flags, "x.sif", `docker://${registry.host}/private/image:1`], env);
const authFile = (auth: string): string => JSON.stringify({ auths: { [registry.host]: { auth } } });

testIt("without credentials the error names the command to log in with", async () => {
  newHome();
  const { code, stderr } = await pull();
  expect(code).toBe(255);
  expect(stderr).toContain(`registry login --username NAME docker://${registry.host}`);
});

testIt("credentials come from variables of each prefix, and from --docker-username", async () => {
  for (const prefix of ["SINGULARITY_", "APPTAINER_", ""]) {
    newHome();
    const env = {
      [`${prefix}DOCKER_USERNAME`]: "bob",
      [`${prefix}DOCKER_PASSWORD`]: login.password,
    };
    expect((await pull([], env)).code).toBe(0);
  }
  newHome();
  const flags = ["--docker-username", "bob", "--docker-password", login.password];
  expect((await pull(flags)).code).toBe(0);
});

testIt(
  "credentials come from the files of skiff, of the peers and of Docker, and from --authfile",
  async () => {
    const files = [
      ".skiff/docker-config.json",
      ".apptainer/docker-config.json",
      ".singularity/docker-config.json",
      ".docker/config.json",
    ];
    for (const file of files) {
      newHome({ [file]: authFile(basic) });
      expect((await pull()).code).toBe(0);
    }
    newHome({ "some/file.json": authFile(basic) });
    expect((await pull(["--authfile", "some/file.json"])).code).toBe(0);
    expect((await pull(["--disable-cache"], { APPTAINER_AUTHFILE: "some/file.json" })).code).toBe(
      0,
    );
  },
);

testIt(
  "--docker-login asks for name and password, and only a registry that wants them",
  async () => {
    newHome();
    const words = ["pull", "--force", "--docker-login", "x.sif"];
    const address = `docker://${registry.host}/private/image:1`;
    const asked = await call([...words, address], {}, `bob\n${login.password}\n`);
    expect(asked.stderr).toContain("Enter Docker Username: Enter Docker Password: ");
    expect(asked.code).toBe(0);
    const wrong = await call([...words, address], {}, "bob\nno\n");
    expect(wrong.code).toBe(255);
    expect(wrong.stderr).toContain("from --docker-login");
    const unasked = await call([...words, "oci:nothing"], {}, "");
    expect(unasked.stderr).not.toContain("Enter Docker");
  },
);

testIt("credentials come from a helper", async () => {
  newHome({
    ".docker/config.json": JSON.stringify({ credsStore: "mine" }),
    "bin/docker-credential-mine": `#!/bin/sh\nread -r s\n[ "$s" = ${registry.host} ] && echo '{"Username":"bob","Secret":"${login.password}"}'\n`,
  });
  expect((await pull([], { PATH: `${home}/bin:/usr/bin:/bin` })).code).toBe(0);
});

testIt(
  "an error says which file, variable, option or helper supplied what was refused",
  async () => {
    newHome({ ".docker/config.json": authFile(wrong) });
    expect((await pull()).stderr).toContain(
      `"bob" with the password from ${home}/.docker/config.json`,
    );
    newHome();
    const env = { APPTAINER_DOCKER_USERNAME: "bob", APPTAINER_DOCKER_PASSWORD: "hunter2" };
    const byVariable = await pull([], env);
    expect(byVariable.stderr).toContain("from APPTAINER_DOCKER_PASSWORD");
    expect(byVariable.stderr).not.toContain("hunter2");
    const byOption = await pull(["--docker-username", "bob", "--docker-password", "no"]);
    expect(byOption.stderr).toContain("from --docker-password");
  },
);

testIt("registry login keeps what the registry takes, logout forgets it", async () => {
  newHome();
  const uri = `docker://${registry.host}`;
  const refused = await call(["registry", "login", "-u", "bob", "-p", "wrong", uri]);
  expect(refused.code).toBe(255);
  expect((await pull()).code).toBe(255);
  const taken = await call(
    ["registry", "login", "-u", "bob", "--password-stdin", uri],
    {},
    `${login.password}\n`,
  );
  expect(taken.code).toBe(0);
  const file = `${home}/.skiff/docker-config.json`;
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    auths: { [registry.host]: { auth: basic } },
  });
  expect((await call(["registry", "list"])).stdout).toContain(uri);
  expect((await pull()).code).toBe(0);
  expect((await call(["registry", "logout", uri])).code).toBe(0);
  expect((await call(["registry", "list"])).stdout).not.toContain(uri);
  expect((await pull()).code).toBe(255);
});

testIt(
  "under the peer's name a log-in is where the peer has it, and is listed as it was named",
  async () => {
    newHome({
      ".skiff/docker-config.json": authFile(wrong),
      ".docker/config.json": JSON.stringify({ auths: { "other.example": { auth: basic } }, x: 1 }),
    });
    symlinkSync(skiffPath, `${home}/apptainer`);
    const peer = (args: readonly string[]): Promise<Finished> =>
      run([`${home}/apptainer`, "registry", ...args], { cwd: home, extraEnv: { HOME: home } });
    const flags = ["-u", "bob", "-p", login.password];
    expect((await peer(["login", ...flags, `oras://${registry.host}`])).code).toBe(0);
    const file = `${home}/.docker/config.json`;
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      auths: { "other.example": { auth: basic }, [registry.host]: { auth: basic } },
      x: 1,
    });
    expect((await pull()).code).toBe(0);
    const rows = (text: string): readonly string[] =>
      text.split("\n").filter((row) => row.includes(":"));
    expect(rows((await peer(["list"])).stdout)).toEqual([`oras://${registry.host}  ✓`]);
    expect((await peer(["logout", `oras://${registry.host}`])).code).toBe(0);
    expect(rows((await peer(["list"])).stdout)).toEqual([]);
    expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).auths)).toEqual(["other.example"]);
    // Where its settings have a file of log-ins, that is the one.
    mkdirSync(`${home}/.apptainer`, { recursive: true });
    const settings = `${home}/.apptainer/docker-config.json`;
    writeFileSync(settings, "{}");
    for (const path of [`${home}/.apptainer`, settings]) giveAway(path);
    expect((await peer(["login", ...flags, `docker://${registry.host}`])).code).toBe(0);
    expect(JSON.parse(readFileSync(settings, "utf8"))).toEqual({
      auths: { [registry.host]: { auth: basic } },
    });
  },
);
