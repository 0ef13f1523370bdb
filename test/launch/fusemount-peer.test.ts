import { describe } from "bun:test";
import { make, peerLab } from "./peer-lab.ts";

/** `--fusemount` in both tools. */
const { same } = peerLab(async (lab) => {
  await make(lab, "mksquashfs data files.sqfs -quiet -no-progress >/dev/null");
});

describe("--fusemount", () => {
  const serve = "squashfuse_ll @lab/files.sqfs";
  const rows: readonly (readonly [string, string, string | undefined])[] = [
    ["a program of the host", `host:${serve} /srv`, "hello"],
    ["on a new place", `host:${serve} /brand/new`, "hello"],
    ["in the background", `host-daemon:${serve} /srv`, "hello"],
    ["a program that the image lacks", `container:${serve} /srv`, undefined],
    ["a program that the host lacks", `host:nosuch ${serve} /srv`, undefined],
    ["an unknown type", `bad:${serve} /srv`, undefined],
    ["no mount point", "host:squashfuse_ll", undefined],
    ["a relative mount point", `host:${serve} srv`, undefined],
  ];
  for (const [name, spec, prints] of rows) {
    const place = spec.endsWith("new") ? "/brand/new" : "/srv";
    same(name, {
      words: ["exec", "--fusemount", spec, "@sif", "cat", `${place}/file`],
      ...(prints === undefined ? { code: 255 } : { prints, code: 0 }),
    });
  }
  same("implies a PID namespace", {
    words: [
      "exec",
      "--fusemount",
      `host:${serve} /srv`,
      "@sif",
      "sh",
      "-c",
      "test $$ -lt 100; echo $?",
    ],
    prints: "0",
  });
  same("mount flags", {
    words: [
      ...["exec", "--fusemount", `host:${serve} /srv`, "@sif", "sh", "-c"],
      "awk '$5 == \"/srv\" { print $6 }' /proc/self/mountinfo",
    ],
    prints: "nosuid",
  });
});
