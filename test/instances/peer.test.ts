import { afterAll, beforeAll, expect } from "bun:test";
import { statSync } from "node:fs";
import { giveTo, makeTree } from "../launch/image-tree.ts";
import { noLab } from "../launch/peer-lab.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { enterPeerPlace, type PeerPlace } from "../support/peer.ts";
import type { Finished } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { SERVER_TREE } from "./instance-lab.ts";

/** The same lines of shell with both tools as $T, and what they print: process ids and ticks aside. */
let place: PeerPlace;
const QUICK = { "/.singularity.d/startscript": { program: "#!/bin/sh\nexec sleep 1000\n" } };

beforeAll(async () => {
  if (noLab !== undefined) return;
  place = enterPeerPlace();
  makeTree(`${place.outside}/img`, { ...SERVER_TREE, ...QUICK });
  makeTree(`${place.outside}/loud`, {
    ...SERVER_TREE,
    "/.singularity.d/startscript": { program: '#!/bin/sh\necho "out $#: $*"; exec sleep 1000\n' },
  });
  if (isRoot) giveTo(place.outside, statSync(place.outside));
}, 60_000);
afterAll(async () => {
  if (noLab !== undefined) return;
  for (const tool of [place.peer, place.skiff]) await runScript(tool, "$T instance stop -F --all");
  place.leave();
});

function runScript(tool: string, script: string): Promise<Finished> {
  const text = `T=${tool}; cd ${place.inside}; ${script}`;
  return place.run(["sh", "-c", text], { timeoutMs: 60_000 });
}

const SCRIPTS: Readonly<Record<string, string>> = {
  "start, list as JSON, stop": `$T instance start img one; echo $?; $T instance list --json | grep -v -e LogPath -e logErrPath -e logOutPath
$T instance stop -F one; echo $?; $T instance list -j`,
  "the table and patterns": `for n in a1 a2 b1; do $T instance start img $n; done; $T instance list 'a*'; $T instance list -l b1
$T instance stop -F 'a[12]'; $T instance list; $T instance stop -F -a; echo $?`,
  "log files": `$T instance start loud logs x 'y z'; sleep 0.3; cat ~/.apptainer/instances/logs/*/*/logs.out; rm ~/.apptainer/instances/logs/*/*/logs.out
$T instance stop -F logs; echo $?`,
  refusals: `r() { "$@" >/dev/null; echo $?; }
r $T instance start img; r $T instance start img 'a b'; r $T instance start instance://x y; r $T instance start nosuch x
r $T exec instance://none true; r $T instance list -j -l; r $T instance list -u root; r $T instance stop none
r $T instance stop; r $T instance stop -s NOSUCH -a; r $T instance stats none`,
  "a taken name": `$T instance start img dup; $T instance start img dup; echo $?; $T instance stop -F dup`,
  "environment, run, test, app, status, process 1": `$T instance start --env S=start img act; X=caller $T exec --env J=join instance://act env |
grep -E '^(APPTAINER_(NAME|INSTANCE|CONTAINER|BIND|COMMAND|APPNAME)|E[123]|X|S|J|HOME|PWD|PATH|LD_LIBRARY_PATH)=' | sort
$T run instance://act x 'y z'; $T test instance://act a; echo $?; $T run --app foo instance://act q
$T exec instance://act sh -c 'exit 9'; echo $?; $T exec instance://act nosuch; echo $?
$T exec instance://act sh -c 'cat /proc/1/comm; ps | grep -c "[s]leep 1000"'; $T instance stop -F act`,
  "directories and homes": `$T instance start --contain img dir; $T exec instance://dir sh -c 'pwd; echo $HOME'; $T exec -c instance://dir pwd
$T exec --pwd /opt instance://dir pwd; $T exec --pwd /nosuch instance://dir pwd; echo $?; $T instance stop -F dir`,
  fakeroot: `$T instance start --fakeroot img root; $T exec instance://root sh -c 'id -u; echo $HOME'; $T instance stop -F root`,
  "the process id file": `$T instance start --pid-file p.$$ img pidf; wc -l <p.$$; test "$(cat p.$$)" = "$($T instance list -j pidf | grep -oE '"pid": [0-9]+' | grep -oE '[0-9]+')"; echo $?
rm p.$$; $T instance stop -F pidf
umask 027; $T instance start --pid-file p.$$ img pidm; stat -c %a p.$$; $T instance stop -F pidm; chmod 640 p.$$
$T instance start --pid-file p.$$ img pidm; stat -c %a p.$$; rm p.$$; $T instance stop -F pidm
mkfifo p.$$; wc -l <p.$$ & $T instance start --pid-file p.$$ img pidp; wait; rm p.$$; $T instance stop -F pidp`,
  "capabilities of who joins": `c() { $T exec "$@" grep -E 'Cap(Eff|Bnd)' /proc/self/status; }
$T instance start --add-caps chown img caps; c instance://caps; c --add-caps net_raw instance://caps; c --drop-caps chown instance://caps
APPTAINER_ADD_CAPS=all c --drop-caps net_raw instance://caps; $T instance stop -F caps
$T instance start --fakeroot img caps; c --drop-caps all instance://caps; $T instance stop -F caps`,
  "hostname and network": `$T instance start --hostname box --net --network none img net; $T exec instance://net sh -c 'hostname; cat /etc/hostname; cat /proc/net/dev | grep -c :'; $T instance stop -F net`,
};

for (const [name, script] of Object.entries(SCRIPTS)) {
  testUnless(noLab)(
    `both tools agree: ${name}`,
    async () => {
      const [peer, skiff] = [
        await runScript(place.peer, script),
        await runScript(place.skiff, script),
      ];
      const plain = (text: string): string =>
        text
          .replaceAll(place.inside, "@lab")
          .replaceAll(/\b[0-9]{3,}\b/g, "N")
          .replaceAll(/ +/g, " ");
      expect(plain(skiff.stdout), `peer: ${peer.stderr}\nskiff: ${skiff.stderr}`).toBe(
        plain(peer.stdout),
      );
      expect(skiff.code).toBe(peer.code);
    },
    60_000,
  );
}
