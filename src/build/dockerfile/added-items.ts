import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { encodeOsText } from "../../base/os-text.ts";
import type { CopyAction } from "../../format/dockerfile/evaluate.ts";
import { lastWords, runChild } from "../child.ts";
import type { Stage } from "../stage.ts";
import { type CopyItem, listItem } from "./copy-list.ts";

/** Whether a word of ADD names something on a server. */
export function isAddress(word: string): boolean {
  return /^https?:\/\//.test(word) || isRepository(word);
}

function isRepository(word: string): boolean {
  return /^(?:git@|ssh:\/\/|git:\/\/)/.test(word) || /^https?:\/\/[^#?]+\.git(?:[#?]|$)/.test(word);
}

/** Fetches what an address names, through the cache of files from the web. */
export async function fetchItem(
  address: string,
  action: CopyAction,
  stage: Stage,
): Promise<CopyItem> {
  if (isRepository(address)) {
    throw new Fault("unsupported", `Cannot add the repository "${address}"`, {
      hint: "clone it in a RUN, or beforehand into the context",
    });
  }
  const fetch = stage.ports.fetchImage;
  if (fetch === undefined) throw new Fault("unsupported", `Cannot fetch "${address}" here`);
  const path = await fetch(address);
  const name = decodeURIComponent(new URL(address).pathname.split("/").at(-1) ?? "");
  if (name === "" && action.target.endsWith("/")) {
    throw new Fault("invalid", `Cannot add "${address}": it has no file name`, {
      hint: "name the file in the target",
    });
  }
  if (action.checksum !== "") {
    const found = `sha256:${new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex")}`;
    if (found !== action.checksum) {
      throw new Fault("invalid", `"${address}" has the digest ${found}, not ${action.checksum}`);
    }
  }
  return fileItem(name, path);
}

/** The file that a here-document of COPY is. */
export function documentItem(name: string, content: string, stage: Stage): CopyItem {
  const folder = mkdtempSync(`${stage.folder}/document-`);
  const path = `${folder}/file`;
  writeFileSync(path, encodeOsText(content), { mode: 0o644 });
  return fileItem(name, path);
}

function fileItem(name: string, path: string): CopyItem {
  return {
    path: name,
    isDirectory: false,
    entries: [{ from: path, below: "", stat: statSync(path) }],
  };
}

/** Unpacks an archive beside the root; its content is then copied like a directory's. */
export async function unpackItem(path: string, stage: Stage): Promise<CopyItem> {
  const tool = stage.ports.tool("tar");
  if (tool === undefined) {
    throw new Fault("missing-tool", `Cannot unpack "${path}": tar is not in PATH`, {
      hint: "install the package tar",
    });
  }
  const folder = mkdtempSync(`${stage.folder}/archive-`);
  // Directories that no entry describes get 0755.
  const umask = process.umask(0o022);
  const running = runChild({
    argv: [
      tool,
      "-x",
      "-p",
      "--numeric-owner",
      "--delay-directory-restore",
      "--xattrs",
      "--xattrs-include=security.capability",
      "-C",
      folder,
      "-f",
      path,
    ],
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: stage.ports.signal,
  });
  process.umask(umask);
  const end = await running;
  const onlyOwners = end.stderr
    .split("\n")
    .every(
      (line) =>
        line === "" ||
        /Cannot change ownership|Cannot set '?security.capability|Exiting with failure/.test(line),
    );
  if (end.status !== 0 && !onlyOwners) {
    throw new Fault("failed", `Cannot unpack "${path}": ${lastWords(end.stderr)}`);
  }
  const item = listItem({ root: folder, patterns: [], keepsOwners: true }, "", []);
  if (item === undefined || !existsSync(folder)) throw new Fault("io", `Cannot unpack "${path}"`);
  return item;
}
