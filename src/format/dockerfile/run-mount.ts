import { Fault } from "../../base/fault.ts";

/** `RUN --mount=…`, as far as it can be honoured here. */
export interface RunMount {
  readonly kind: "bind" | "cache" | "tmpfs" | "secret";
  /** Absolute or below the working directory, which an empty one of a bind is; empty: the default of a secret. */
  readonly target: string;
  /** Stage, image or nothing (the context; for a cache: an empty directory). */
  readonly from: string;
  /** Path in what `from` names. */
  readonly source: string;
  /** Of a cache or secret. */
  readonly id: string;
  /** Of a secret: the variable it goes into, or empty. */
  readonly env: string;
  readonly required: boolean;
  readonly readOnly: boolean;
  /** Mode, owner and group of a new cache directory or of a secret; undefined: the default. */
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Of a cache: whether builds at the same time use it together, wait, or get one each. */
  readonly sharing: "shared" | "private" | "locked";
}

const KNOWN: Readonly<Record<RunMount["kind"], readonly string[]>> = {
  bind: ["from", "rw", "readwrite", "ro", "readonly", "z", "Z", "U", "relabel"],
  cache: [
    "id",
    "from",
    "ro",
    "readonly",
    "rw",
    "readwrite",
    "sharing",
    "mode",
    "uid",
    "gid",
    "z",
    "Z",
    "U",
  ],
  tmpfs: ["size"],
  secret: ["id", "env", "required", "mode", "uid", "gid"],
};

/**
 * Reads the value of a `--mount` flag (Dockerfile reference, "RUN --mount").
 *
 * @throws Fault `invalid` for what is malformed, `unsupported` for kinds that need an agent.
 */
export function parseRunMount(text: string): RunMount {
  const fields = new Map<string, string>();
  for (const field of text.split(",")) {
    const cut = field.indexOf("=");
    const name = (cut < 0 ? field : field.slice(0, cut)).trim();
    if (name !== "")
      fields.set(
        name,
        cut < 0
          ? "true"
          : field
              .slice(cut + 1)
              .trim()
              .replace(/^"(.*)"$/, "$1"),
      );
  }
  const kind = fields.get("type") ?? "bind";
  if (kind === "ssh") {
    throw new Fault(
      "unsupported",
      "Cannot honour --mount=type=ssh: no agent is passed into a build",
      {
        hint: "copy what is needed with COPY, or give a key with --mount=type=secret",
      },
    );
  }
  if (kind !== "bind" && kind !== "cache" && kind !== "tmpfs" && kind !== "secret") {
    throw new Fault("invalid", `--mount=type=${kind} is no known kind of mount`, {
      hint: "one of bind, cache, tmpfs, secret",
    });
  }
  const common = [
    "type",
    "target",
    "dst",
    "destination",
    ...(kind === "tmpfs" ? [] : ["source", "src"]),
  ];
  for (const name of fields.keys()) {
    if (common.includes(name) || KNOWN[kind].includes(name)) continue;
    throw new Fault("invalid", `--mount=type=${kind} has no field "${name}"`);
  }
  const value = (...names: readonly string[]): string =>
    names.map((name) => fields.get(name)).find((found) => found !== undefined) ?? "";
  const isSet = (...names: readonly string[]): boolean =>
    names.some((name) => fields.has(name) && !/^(false|0)$/i.test(fields.get(name) ?? ""));
  const target = value("target", "dst", "destination");
  // A bind without one covers the working directory.
  if (target === "" && (kind === "cache" || kind === "tmpfs")) {
    throw new Fault("invalid", `--mount=type=${kind} needs a target`);
  }
  const sharing = value("sharing");
  if (!["", "shared", "private", "locked"].includes(sharing)) {
    throw new Fault("invalid", `--mount: sharing is shared, private or locked, not "${sharing}"`);
  }
  // A bind is read-only until it says otherwise; `rw=false` says it again.
  const isWritable = fields.has("rw") ? isSet("rw") : fields.has("readwrite") && isSet("readwrite");
  return {
    kind,
    target,
    from: value("from"),
    source: value("source", "src"),
    id: value("id"),
    env: value("env"),
    required: isSet("required"),
    readOnly: kind === "bind" ? !isWritable || isSet("ro", "readonly") : isSet("ro", "readonly"),
    mode: numberOf(value("mode"), 8),
    uid: numberOf(value("uid"), 10),
    gid: numberOf(value("gid"), 10),
    sharing: sharing === "private" || sharing === "locked" ? sharing : "shared",
  };
}

function numberOf(text: string, radix: 8 | 10): number | undefined {
  if (text === "") return undefined;
  const wanted = radix === 8 ? /^0?o?[0-7]{1,5}$/ : /^[0-9]{1,9}$/;
  if (wanted.test(text)) return Number.parseInt(text.replace("o", ""), radix);
  throw new Fault("invalid", `--mount: "${text}" is no ${radix === 8 ? "octal mode" : "number"}`);
}
