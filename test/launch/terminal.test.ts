import { afterAll, beforeAll, describe, expect } from "bun:test";
import { noFuse } from "../support/host-lacks.ts";
import { asOrdinaryUser } from "../support/ordinary-user.ts";
import { loginEnv, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { launchLab } from "./launch-lab.ts";

/** Launches on a terminal, by an interactive shell: prompts, signals of keys, job control. */
const { dir, lack } = launchLab();
const INSTANCE = `terminal-${process.pid}`;

/** An interactive bash on a terminal of its own. */
interface Session {
  type(keys: string): void;
  /** Waits until the terminal shows `text` after what was seen before; gives all up to it. */
  until(text: string): Promise<string>;
  close(): void;
}

function openSession(): Session {
  let shown = "";
  let seen = 0;
  let wake = (): void => {};
  const child = Bun.spawn([...asOrdinaryUser(), "bash", "--norc", "--noprofile", "-i"], {
    cwd: dir,
    env: { ...loginEnv(), PS1: "host> ", TERM: "dumb", HISTFILE: "" },
    terminal: {
      cols: 100,
      rows: 30,
      data: (_terminal, data) => {
        shown += new TextDecoder().decode(data);
        wake();
      },
    },
  });
  return {
    type: (keys) => {
      child.terminal?.write(keys);
    },
    until: async (text) => {
      const end = Date.now() + 15_000;
      for (;;) {
        const at = shown.indexOf(text, seen);
        if (at >= 0) {
          const out = shown.slice(seen, at + text.length);
          seen = at + text.length;
          return out;
        }
        const left = end - Date.now();
        if (left <= 0) throw new Error(`"${text}" did not come, but: ${shown.slice(seen)}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await Promise.race([promise, Bun.sleep(Math.min(left, 200))]);
      }
    },
    close: () => child.kill("SIGKILL"),
  };
}

async function inSession(body: (session: Session) => Promise<void>): Promise<void> {
  const session = openSession();
  try {
    await session.until("host> ");
    await body(session);
  } finally {
    session.close();
  }
}

const images: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ["a directory", ["img"], undefined],
  ["a packed image", ["img.sqfs"], noFuse()],
  ["--pid", ["--pid", "img"], undefined],
  ["--containall", ["--containall", "img"], undefined],
  ["an instance", [`instance://${INSTANCE}`], undefined],
];

beforeAll(async () => {
  if (lack !== undefined) return;
  const started = await skiff(["instance", "start", "img", INSTANCE], { cwd: dir });
  if (started.code !== 0) throw new Error(started.stderr);
});
afterAll(async () => {
  if (lack === undefined) await skiff(["instance", "stop", "-F", INSTANCE]);
});

for (const [name, words, reason] of images) {
  describe(name, () => {
    const exec = `${skiffPath} exec ${words.join(" ")}`;

    testUnless(firstReason(lack, reason))("the program is on the terminal", () =>
      inSession(async (s) => {
        s.type(
          `${exec} sh -c 'test -t 0 && test -t 1 && test -t 2 && echo on $((1+1)) terminal'\n`,
        );
        await s.until("on 2 terminal");
      }),
    );

    testUnless(firstReason(lack, reason))("Ctrl-C ends it, and the shell goes on", () =>
      inSession(async (s) => {
        s.type(`${exec} sh -c 'echo go$((1+1)); sleep 30'\n`);
        await s.until("go2");
        s.type("\x03");
        await s.until("host> ");
        s.type("echo status $?\n");
        await s.until("status 130");
      }),
    );

    testUnless(firstReason(lack, reason))("a program that catches Ctrl-C gets it once", () =>
      inSession(async (s) => {
        s.type(
          `${exec} sh -c 'trap "n=x\\$n; echo caught \\$n" INT; echo go$((1+1)); sleep 1; sleep 1; echo end$((1+1))'\n`,
        );
        await s.until("go2");
        s.type("\x03");
        await s.until("caught x\r");
        const rest = await s.until("end2");
        expect(rest).not.toContain("caught");
      }),
    );

    testUnless(firstReason(lack, reason))("Ctrl-Z stops it, fg continues it", () =>
      inSession(async (s) => {
        s.type(`${exec} sh -c 'echo go$((1+1)); read line; echo got $line'\n`);
        await s.until("go2");
        s.type("\x1a");
        await s.until("Stopped");
        await s.until("host> ");
        s.type("fg\n");
        await s.until("fg\r\n");
        await Bun.sleep(200);
        s.type("word\n");
        await s.until("got word");
        await s.until("host> ");
        s.type("jobs; echo none $?\n");
        await s.until("none 0");
      }),
    );

    testUnless(firstReason(lack, reason))("a background job that reads is stopped", () =>
      inSession(async (s) => {
        s.type(`${exec} sh -c 'read line; echo got $line' &\n`);
        await s.until("host> ");
        let listed = "";
        while (!listed.includes("Stopped")) {
          s.type("jobs\n");
          await s.until("jobs\r\n");
          listed = await s.until("host> ");
        }
        s.type("fg\n");
        await s.until("fg\r\n");
        await Bun.sleep(200);
        s.type("later\n");
        await s.until("got later");
      }),
    );

    testUnless(firstReason(lack, reason))("Ctrl-D ends a shell", () =>
      inSession(async (s) => {
        s.type(`${skiffPath} shell ${words.join(" ")}\n`);
        await s.until("> ");
        s.type("test -t 0 && echo in$((1+1))\n");
        // The next prompt comes before the shell listens: it would drop a Ctrl-D between the two.
        await s.until("in2");
        await s.until("> ");
        await Bun.sleep(500);
        s.type("\x04");
        await s.until("host> ");
      }),
    );
  });
}
