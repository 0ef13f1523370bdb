import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { asOrdinaryUser, isRoot, ordinaryUser } from "./ordinary-user.ts";

/** Each function gives the reason why this machine cannot do a thing, or undefined when it can. */
type Lack = string | undefined;

const answers = new Map<string, Lack>();

function once(key: string, find: () => Lack): Lack {
  if (!answers.has(key)) answers.set(key, find());
  return answers.get(key);
}

function tryAsUser(argv: readonly string[], reason: string): Lack {
  if (ordinaryUser() === undefined) return "there is no ordinary user on this machine";
  const tried = Bun.spawnSync([...asOrdinaryUser(), ...argv], { cwd: "/", stdin: "ignore" });
  return tried.exitCode === 0 ? undefined : `${reason}: ${tried.stderr.toString().trim()}`;
}

/** Root only. */
export function notRoot(): Lack {
  return isRoot ? undefined : "it needs root";
}

/** Namespaces of an ordinary user. */
export function noUserNamespaces(): Lack {
  return once("userns", () =>
    tryAsUser(["unshare", "-Ur", "--mount", "true"], "no user namespaces for ordinary users"),
  );
}

/** FUSE for an ordinary user. */
export function noFuse(): Lack {
  return once("fuse", () => {
    if (!existsSync("/dev/fuse")) return "there is no /dev/fuse";
    return tryAsUser(["sh", "-c", ": <>/dev/fuse"], "/dev/fuse cannot be opened");
  });
}

/** Overlay file systems in a user namespace. */
export function noOverlay(): Lack {
  return once("overlay", () =>
    tryAsUser(
      [
        "unshare",
        "-Ur",
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs t /tmp && mkdir /tmp/l /tmp/u /tmp/w /tmp/m && mount -t overlay " +
          "-o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w,userxattr o /tmp/m",
      ],
      "no overlay in user namespaces",
    ),
  );
}

/** Sub-ids of the ordinary user. */
export function noSubIds(): Lack {
  const user = ordinaryUser();
  if (user === undefined) return "there is no ordinary user on this machine";
  const owners = (file: string): string[] =>
    existsSync(file)
      ? readFileSync(file, "utf8")
          .split("\n")
          .map((line) => line.split(":")[0] ?? "")
      : [];
  const has = (file: string): boolean =>
    owners(file).some((owner) => owner === user.name || owner === String(user.uid));
  return has("/etc/subuid") && has("/etc/subgid") ? undefined : `${user.name} has no sub-ids`;
}

/** A host program, looked up in the usual directories. */
export function noTool(name: string): Lack {
  const found = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].some((directory) => {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ? undefined : `${name} is not installed`;
}
