import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { firstReason, testUnless } from "../support/skip.ts";

/*
 * The same Dockerfile built by skiff and by podman: the same files, owners and modes, the same
 * environment and command.
 */

const peerRoot = process.env["PEER_ROOT"] ?? "/opt/peer";
const lack = firstReason(
  noPeer(),
  isRoot ? undefined : "podman's builds are compared as root",
  existsSync(`${peerRoot}/usr/bin/podman`) ? undefined : "there is no podman at PEER_ROOT",
  noTool("busybox"),
);
const testPeer = testUnless(lack);
let place: PeerPlace;

const BASE = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY <<passwd <<group /etc/
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/home/app:/bin/sh
passwd
root:x:0:
app:x:1001:
more:x:1002:app
group
RUN mkdir -m 1777 /tmp
`;

const CASES: Readonly<Record<string, string>> = {
  "ownership, users and working directories": `ARG WHO=app
${BASE}FROM base AS build
ARG WHO
ARG V=1.0 U=\${V}u
ENV A="two words" B=\${V}-\${A:+set} C='$A' D=\${NO:-d} UID=7
RUN <<E
echo "$V $U $A $B $C $D $UID $WHO" > /out
id -u > /id; pwd > /pwd; umask > /umask
E
WORKDIR /site/dir
WORKDIR ../sub
RUN touch rel
USER $WHO
RUN id > /tmp/id; pwd > /tmp/pwd; echo $HOME > /tmp/home; umask > /tmp/umask
WORKDIR /as/user
RUN ls -ldn /as /as/user | cut -c1-43 > /tmp/ls
USER 1234
RUN id -u > /tmp/id2; echo $HOME > /tmp/home2
USER root
FROM base
COPY --from=build --chown=app:more /out /id /pwd /umask /res/
COPY --from=build /tmp /res2
COPY --from=build /site /site
COPY --from=0 /etc/passwd /copied
COPY --chown=55 data/one /owned/by/55
COPY --chown=55:app data /owned/tree
ENTRYPOINT ["/bin/sh", "-c", "echo $A"]
CMD ["x"]
`,
  "sources and targets of COPY and ADD": `${BASE}WORKDIR /w
COPY data/one .
COPY data/one two
COPY data/one data/two three/
COPY data four
COPY data/ five/
COPY data /six/deep/down
COPY data/* seven/
COPY data/t?o data/[a-o]ne eight/
COPY . /all
COPY links /links
COPY links/to-dir /named-link
COPY links/to-file /named-file
COPY ["sp ace", "/quoted name"]
COPY --chmod=640 data/one mode
COPY data/one data/sub /mixed/
RUN mkdir -p /there/sub && echo old > /there/sub/three && echo kept > /there/kept && chmod 700 /there /there/sub
COPY data /there
RUN ln -s /there /to-there && mkdir /real && ln -s /real /via
COPY data/two /via/
COPY data/two /to-there/by-link
COPY data/.hidden /h/
COPY /data/one ./abs
COPY ../data/one outside
ADD a.tar /plain/
ADD a.tar.gz /gz
ADD data/one /file
ADD notes.gz /
COPY a.tar.gz /kept
`,
  "the image's own words": `ARG BASE=base
${BASE}FROM \${BASE}
ENV A=1 \\
    # a comment
    B="x y" \\

    C=$A
ENV OLD form of  env
LABEL a.b="c d" e=f \\
      g="h \\"i\\""
EXPOSE 80 53/udp
RUN mkdir /vol /two
VOLUME /vol "/two"
STOPSIGNAL SIGUSR1
RUN echo "$-" > /flags; echo $0 > /zero
CMD echo "$A" 'x'
ENTRYPOINT exec echo entry
`,
  "words left by a base for what builds on it": `${BASE}FROM base AS trigger
ONBUILD COPY data/one /triggered
ONBUILD RUN echo ran > /ran
ONBUILD ENV T=1
ENTRYPOINT ["base-entry"]
CMD ["base-cmd"]
FROM trigger
RUN echo $T > /t
ENTRYPOINT ["own"]
`,
  "mounts of RUN and here-documents": `${BASE}FROM base AS other
RUN mkdir /o && echo other > /o/f
FROM base
RUN --mount=type=bind,source=data,target=/m cat /m/one > /bound && (touch /m/x 2>/dev/null || echo ro > /ro)
RUN --mount=type=bind,from=other,source=/o,target=/m2,rw cat /m2/f > /from && echo changed > /m2/f
RUN --mount=type=tmpfs,target=/scratch echo x > /scratch/y
RUN --mount=type=cache,target=/cache,id=skiff-peer-test echo x > /cache/y
RUN <<'E'
echo '$HOME' > /one
E
RUN <<-E
	echo two > /two
	E
RUN cat <<A > /three && cat <<"B" > /four
$HOME
A
$HOME
B
ENV V=v
COPY <<E /five
$V \${V} \\$V "q" 'q'
E
COPY <<'E' <<F /six/
$V
E
f
F
COPY --chmod=755 --chown=app <<E data/one /seven/
e
E
RUN ls -A / | grep -v -e dev -e proc -e sys -e names -e run > /names; cat /names
`,
};

beforeAll(() => {
  if (lack !== undefined) return;
  place = enterPeerPlace();
  const dir = place.outside;
  copyFileSync("/usr/bin/busybox", `${dir}/busybox`);
  mkdirSync(`${dir}/data/sub`, { recursive: true });
  mkdirSync(`${dir}/links`);
  mkdirSync(`${dir}/left-out/but`, { recursive: true });
  for (const name of [
    "data/one",
    "data/two",
    "data/.hidden",
    "data/sub/three",
    "data/x.o",
    "sp ace",
    "left-out/a",
    "left-out/but/kept",
  ]) {
    writeFileSync(`${dir}/${name}`, `${name}\n`);
  }
  symlinkSync("../data/sub", `${dir}/links/to-dir`);
  symlinkSync("../data/one", `${dir}/links/to-file`);
  symlinkSync("/nowhere", `${dir}/links/dangling`);
  writeFileSync(
    `${dir}/.dockerignore`,
    "# rules\n**/*.o\nleft-out\n!left-out/but\nskiff\nlibexec\n*.tar.out\nours-*\n",
  );
  const tar = (...words: string[]) =>
    expect(Bun.spawnSync(["tar", "-C", dir, ...words]).exitCode).toBe(0);
  tar("--owner=7", "--group=8", "-cf", `${dir}/a.tar`, "data/one", "data/sub");
  tar("-czf", `${dir}/a.tar.gz`, "data/two", "links");
  writeFileSync(`${dir}/notes.gz`, Bun.gzipSync(new TextEncoder().encode("no archive")));
});

afterAll(() => place?.leave());

/** What a tree holds: kind, mode, owner, digest or link of every path that is the Dockerfile's. */
const LIST = String.raw`cd "$1"; find . -mindepth 1 \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./bin -o -path ./.singularity.d \) -prune -o -printf '%y %m %U:%G %P %l\n' | sort -k4 | while read -r kind mode owner path link; do
  sum=; [ "$kind" = f ] && sum=$(head -c 300 "$path" | tr -c '[:print:]' '|'); echo "$kind $([ "$kind" = l ] || echo $mode) $owner $path $link $sum"; done`;

/** What only our images have, and places that each makes in its own way. */
const OWN =
  /^\S+ \S* ?\S+ (?:\.(?:run|exec|shell|test)|singularity|environment|(?:root|home|tmp|etc|run|var)(?:\/tmp)?|etc\/(?:hosts|resolv\.conf)|run\/.*) /;

describe("a Dockerfile gives what podman makes of it:", () => {
  let number = 0;
  for (const [name, text] of Object.entries(CASES)) {
    testPeer(
      name,
      async () => {
        const at = number++;
        const dir = place.inside;
        writeFileSync(`${place.outside}/Dockerfile.${at}`, text);
        const built = await place.run(
          [
            place.skiff,
            "build",
            "--force",
            "--sandbox",
            `${dir}/ours-${at}`,
            `${dir}/Dockerfile.${at}`,
          ],
          { as: "self", timeoutMs: 120_000 },
        );
        expect(built.stderr).toContain("Build complete");
        const podman = `podman --storage-driver overlay --root ${dir}/ours-store --runroot ${dir}/ours-run --events-backend file`;
        const theirs = await place.run(
          [
            "sh",
            "-ec",
            `export PODMAN_IGNORE_CGROUPSV1_WARNING=1; ${podman} build -q --layers=false --ulimit nproc=9000:9000 --ulimit nofile=1024:1024 --isolation chroot --format docker -f ${dir}/Dockerfile.${at} -t t${at} ${dir} >&2
            id=$(${podman} create t${at} x); mkdir ${dir}/ours-tree-${at}; ${podman} export $id | tar -x -C ${dir}/ours-tree-${at}
            ${podman} inspect t${at} --format '{{json .Config}}'`,
          ],
          { as: "self", timeoutMs: 240_000 },
        );
        expect(`${theirs.code} ${theirs.stderr}`).toStartWith("0 ");
        const list = async (root: string): Promise<string[]> => {
          const listed = await place.run(["sh", "-c", LIST, "sh", root], { as: "self" });
          return listed.stdout.split("\n").filter((line) => !OWN.test(line));
        };
        expect(await list(`${dir}/ours-${at}`)).toEqual(await list(`${dir}/ours-tree-${at}`));
        const config = JSON.parse(theirs.stdout);
        const runscript = readFileSync(
          `${place.outside}/ours-${at}/.singularity.d/runscript`,
          "utf8",
        );
        const words = (list: readonly string[] = []): string =>
          list
            .map((word) => `"${word.replace(/[\\"`$]/g, "\\$&")}"`)
            .join(" ")
            .replaceAll("'", `'"'"'`);
        expect(runscript).toContain(
          `OCI_ENTRYPOINT='${words(config.Entrypoint)}'\nOCI_CMD='${words(config.Cmd)}'\n`,
        );
        const script = readFileSync(
          `${place.outside}/ours-${at}/.singularity.d/env/10-docker2singularity.sh`,
          "utf8",
        );
        for (const entry of config.Env) {
          const [, variable = "", value = ""] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
          expect(script).toContain(`export ${variable}=`);
          expect(script).toContain(value.replace(/[\\"`$]/g, "\\$&"));
        }
        const labels = JSON.parse(
          readFileSync(`${place.outside}/ours-${at}/.singularity.d/labels.json`, "utf8"),
        );
        const { "io.buildah.version": _, ...given } = config.Labels ?? {};
        expect(labels).toMatchObject(given);
      },
      300_000,
    );
  }
});
