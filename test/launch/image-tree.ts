import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** A file of a tree to be made: text, an executable text, a link or a directory. */
export type TreeNode =
  | string
  | { readonly program: string }
  | { readonly link: string }
  | { readonly mode: number };

/** The static program that all test images stand on. */
export const BUSYBOX = "/bin/busybox";

const APPLETS = (
  "awk basename cat chmod chown cp cut date dd df dirname echo env expr false find grep head hostname id kill ln " +
  "ls mkdir mktemp mount mv od printf ps pwd readlink rm rmdir sed seq sh sleep sort stat tail tee test " +
  "touch tr true tty umask uname wc whoami xargs"
).split(" ");

/**
 * One line for each mount of the container, sorted: target and flags. Left out is what both tools
 * take from the host as it is (below /proc, /sys, /dev) and the flags of the files they compose.
 */
const MOUNTS = `#!/bin/sh
awk '$5 !~ "^/(proc|sys|dev)/" && $5 != "/" {
  split($6, flag, ","); shown = ""
  for (i = 1; i in flag; i++) if (flag[i] ~ "^(ro|nosuid|nodev|noexec)$") shown = shown " " flag[i]
  if ($5 ~ "^/(proc|sys|etc/(resolv.conf|passwd|group|hostname))$") shown = ""
  print $5 shown
}' /proc/self/mountinfo | sort -u
`;

/** A root file system of one static program under many names, without /.singularity.d. */
export const BARE_TREE: Readonly<Record<string, TreeNode>> = {
  "/bin/mounts": { program: MOUNTS },
  ...Object.fromEntries(APPLETS.map((name) => [`/bin/${name}`, { link: "busybox" }])),
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "/etc/hosts": "",
  "/etc/resolv.conf": "",
  "/etc/localtime": "",
  "/dev": { mode: 0o755 },
  "/home": { mode: 0o755 },
  "/opt": { mode: 0o755 },
  "/proc": { mode: 0o755 },
  "/root": { mode: 0o700 },
  "/srv": { mode: 0o755 },
  "/sys": { mode: 0o755 },
  "/tmp": { mode: 0o1777 },
  "/usr/bin": { mode: 0o755 },
  "/lnk": { link: "opt" },
  "/var/tmp": { mode: 0o1777 },
};

const ENV = "/.singularity.d/env";

/** The bare tree with scripts and one app, as a build leaves them. */
export const IMAGE_TREE: Readonly<Record<string, TreeNode>> = {
  ...BARE_TREE,
  "/.singularity.d/libs": { mode: 0o755 },
  "/.singularity.d/runscript": { program: '#!/bin/sh\necho "run $#: $*"\n' },
  "/.singularity.d/test": { program: '#!/bin/sh\necho "test $#: $*"\nexit 3\n' },
  [`${ENV}/90-environment.sh`]: {
    program: '#!/bin/sh\nexport E1=image\nexport E2="$E1-two"\nexport E3=${HOSTVAR:-unset}\n',
  },
  [`${ENV}/99-base.sh`]: {
    program: `#!/bin/sh
LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs"
export LD_LIBRARY_PATH
`,
  },
  [`${ENV}/95-apps.sh`]: {
    program: `#!/bin/sh
if test -n "\${SINGULARITY_APPNAME:-}"; then
  if test -d "/scif/apps/$SINGULARITY_APPNAME/"; then
    SCIF_APPNAME="$SINGULARITY_APPNAME"
    SCIF_APPROOT="/scif/apps/$SINGULARITY_APPNAME"
    export SCIF_APPNAME SCIF_APPROOT
    PATH="$SCIF_APPROOT/bin:$PATH"
    export PATH
    test -f "$SCIF_APPROOT/scif/env/90-environment.sh" && . "$SCIF_APPROOT/scif/env/90-environment.sh"
  else
    echo "Could not locate the container application: $SINGULARITY_APPNAME"
    exit 1
  fi
fi
`,
  },
  "/scif/apps/foo/bin/foo-tool": { program: "#!/bin/sh\necho foo-tool\n" },
  "/scif/apps/foo/scif/runscript": { program: '#!/bin/sh\necho "foo $#: $* $FOO"\n' },
  "/scif/apps/foo/scif/test": { program: "#!/bin/sh\necho foo test\nexit 4\n" },
  "/scif/apps/foo/scif/env/90-environment.sh": "export FOO=foo-env\n",
};

/** Makes a tree below `root` (which need not exist). `/bin/busybox` comes from the host. */
export function makeTree(root: string, tree: Readonly<Record<string, TreeNode>>): void {
  mkdirSync(`${root}/bin`, { recursive: true });
  copyFileSync(BUSYBOX, `${root}/bin/busybox`);
  writeTree(root, tree);
}

/** Writes files, links and directories below `root`. */
export function writeTree(root: string, tree: Readonly<Record<string, TreeNode>>): void {
  for (const [path, node] of Object.entries(tree)) {
    const at = `${root}${path}`;
    mkdirSync(dirname(at), { recursive: true });
    if (typeof node === "string") writeFileSync(at, node);
    else if ("link" in node) symlinkSync(node.link, at);
    else if ("program" in node) {
      writeFileSync(at, node.program);
      chmodSync(at, 0o755);
    } else {
      mkdirSync(at, { recursive: true });
      chmodSync(at, node.mode);
    }
  }
}

/** Gives a tree to an account, links themselves included. */
export function giveTo(path: string, owner: { readonly uid: number; readonly gid: number }): void {
  const stat = lstatSync(path);
  lchownSync(path, owner.uid, owner.gid);
  if (stat.isSymbolicLink()) return;
  if (!stat.isDirectory()) {
    chmodSync(path, stat.mode & 0o7777);
    return;
  }
  for (const name of readdirSync(path)) giveTo(`${path}/${name}`, owner);
}
