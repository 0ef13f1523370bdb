import { statFollow } from "../host-files.ts";
import { parseProcStatus } from "../proc-status.ts";
import { readHostText } from "../read-text.ts";
import { attempt } from "./_attempt.ts";
import { installLine } from "./_packages.ts";
import type { Check, ProbeInput } from "./check.ts";

/** A switch of the kernel that closes user namespaces when it has a certain value. */
interface Restriction {
  readonly file: string;
  readonly closed: string;
  readonly why: string;
  readonly remedy: string;
}

const RESTRICTIONS: readonly Restriction[] = [
  {
    file: "/proc/sys/user/max_user_namespaces",
    closed: "0",
    why: "user.max_user_namespaces is 0",
    remedy:
      "as root: sysctl -w user.max_user_namespaces=15000 (and a line in /etc/sysctl.d to keep it)",
  },
  {
    file: "/proc/sys/kernel/unprivileged_userns_clone",
    closed: "0",
    why: "kernel.unprivileged_userns_clone is 0",
    remedy:
      "as root: sysctl -w kernel.unprivileged_userns_clone=1 (and a line in /etc/sysctl.d to keep it)",
  },
  {
    file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    closed: "1",
    why: "AppArmor takes the capabilities away in user namespaces of programs without a profile",
    remedy:
      'as root: install an AppArmor profile with the rule "userns," for the skiff binary, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

/** User namespaces: whether a mount in a new one works, tried for real, and if not, what is in the way. */
export async function probeNamespaces({ host, config }: ProbeInput): Promise<readonly Check[]> {
  const name = "user namespaces";
  const id = "namespaces.user";
  if (!config.values.allowUserNs) {
    const why = `forbidden by ${config.sources["allow user ns"] ?? "the configuration"}`;
    return [refused(id, name, why, 'as root: skiff config global --set "allow user ns" yes')];
  }
  if (statFollow("/proc/self/ns/user") === undefined) {
    return [
      {
        id,
        name,
        state: "missing",
        found: "not in this kernel",
        means: "only root can start containers",
        remedy: "use a kernel with CONFIG_USER_NS",
      },
    ];
  }
  const limit = readHostText("/proc/sys/user/max_user_namespaces").trim();
  const where = host.inUserNamespace ? "; already inside of one" : "";
  const found = `at most ${limit === "" ? "?" : limit}${where}`;
  const closed = RESTRICTIONS.filter(({ file, closed }) => readHostText(file).trim() === closed);
  const unshare = host.tool("unshare");
  if (unshare === undefined) {
    const [first] = closed;
    return first === undefined
      ? [
          {
            id,
            name,
            state: "limited",
            found: `${found}; not tried`,
            means: "unshare is not there to try one",
            remedy: installLine("unshare"),
          },
        ]
      : [refused(id, name, first.why, first.remedy)];
  }
  const mount = "mount -t tmpfs skiff-doctor /tmp";
  const tried = await attempt(
    [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", mount],
    host.env,
  );
  if (tried.ok) return [{ id, name, state: "ok", found: `${found}; a mount in a new one works` }];
  const [first] = closed;
  if (first !== undefined) return [refused(id, name, first.why, first.remedy)];
  const why = tried.text.trim().split("\n").at(-1) ?? "";
  const { seccomp } = parseProcStatus(readHostText("/proc/self/status"));
  return [
    seccomp === 2
      ? refused(
          id,
          name,
          `${why}; a system call filter is in force, as inside of another container`,
          "start the outer container with a filter that lets unshare and mount through",
        )
      : refused(id, name, why, "ask who runs this machine which security policy forbids it"),
  ];
}

function refused(id: string, name: string, found: string, remedy: string): Check {
  const means = "containers cannot be started by ordinary users";
  return { id, name, state: "missing", found, means, remedy };
}
