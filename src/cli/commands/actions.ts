import { unpackFlags } from "../flag-index.ts";
import type { CommandSpec, FlagSpec, PackedFlag } from "../spec.ts";
import { packActionFlags } from "./_pack-action-flags.ts" with { type: "macro" };

const SHELL_ROWS: readonly PackedFlag[] = packActionFlags();
const ACTION_ROWS: readonly PackedFlag[] = SHELL_ROWS.slice(0, -1);

const IMAGES: readonly string[] = [
  "The image is a SIF, SquashFS or ext3 file, a directory with a root file system, or an address that is pulled into the cache first: docker://, oras://, http://, https://, docker-archive:, oci:, oci-archive:. What a file is, its content decides, not its name. instance://NAME is a running instance, which the program joins.",
];

/** exec, run, shell, test. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "exec",
    summary: "Run a command in a container",
    description: [
      "Runs the command with the image as its root file system, as the calling user and in place of this process. Options end at the image: all that follows belongs to the command.",
      ...IMAGES,
    ],
    packed: ACTION_ROWS,
    get flags(): readonly FlagSpec[] {
      return unpackFlags(ACTION_ROWS);
    },
    args: { min: 2, usage: "<image> <command> [args...]", values: ["image", "file"] },
    examples: [
      { text: "Read a file of the image", command: "exec debian.sif cat /etc/debian_version" },
      {
        text: "Work on data of the host, with nothing else of it in sight",
        command: "exec -C -B /data:/mnt:ro tools.sif ls /mnt",
      },
      { text: "Use the terminal's input", command: "exec python.sif python3 - < script.py" },
    ],
  },
  {
    name: "run",
    summary: "Run the image's own program",
    description: [
      "Runs the runscript of the image, or of one of its applications with --app, with the arguments given.",
      ...IMAGES,
    ],
    packed: ACTION_ROWS,
    get flags(): readonly FlagSpec[] {
      return unpackFlags(ACTION_ROWS);
    },
    args: { min: 1, usage: "<image> [args...]", values: ["image", "file"] },
    examples: [
      { text: "Run an image", command: "run lolcow.sif" },
      { text: "Run one application of it", command: "run --app plot tools.sif data.csv" },
      { text: "Run an image of a registry", command: "run docker://registry.example.org/hello:1" },
    ],
  },
  {
    name: "shell",
    summary: "Open a shell in a container",
    description: [
      "Starts an interactive shell: the one given, else bash or sh of the image. Arguments after the image are ignored.",
      ...IMAGES,
    ],
    packed: SHELL_ROWS,
    get flags(): readonly FlagSpec[] {
      return unpackFlags(SHELL_ROWS);
    },
    args: { min: 1, usage: "<image>", values: ["image", "none"] },
    examples: [
      { text: "Look around", command: "shell debian.sif" },
      {
        text: "Install packages in a directory image",
        command: "shell --writable --fakeroot rootfs/",
      },
    ],
  },
  {
    name: "test",
    summary: "Run the image's tests",
    description: ["Runs the test script of the image with the arguments given.", ...IMAGES],
    packed: ACTION_ROWS,
    get flags(): readonly FlagSpec[] {
      return unpackFlags(ACTION_ROWS);
    },
    args: { min: 1, usage: "<image> [args...]", values: ["image", "file"] },
    examples: [{ text: "Test an image", command: "test tools.sif" }],
  },
];
