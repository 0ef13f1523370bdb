import type { HealthCheck } from "./health-check.ts";

/** What a stage says of its image so far: the `config` object of an OCI image, typed. */
export interface ImageState {
  readonly env: ReadonlyMap<string, string>;
  readonly workingDir: string;
  readonly user: string;
  readonly shell: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** Whether CMD stood in this stage: an ENTRYPOINT drops the one of the base. */
  readonly hasOwnCmd: boolean;
  readonly labels: ReadonlyMap<string, string>;
  readonly volumes: readonly string[];
  /** `8080/tcp`. */
  readonly ports: readonly string[];
  readonly stopSignal: string;
  readonly healthCheck: HealthCheck | undefined;
  /** Instructions for images built from this one. */
  readonly onBuild: readonly string[];
}

export const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

/** The state of `FROM scratch`. */
export const EMPTY_STATE: ImageState = {
  env: new Map([["PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]]),
  workingDir: "/",
  user: "",
  shell: DEFAULT_SHELL,
  entrypoint: [],
  cmd: [],
  hasOwnCmd: false,
  labels: new Map(),
  volumes: [],
  ports: [],
  stopSignal: "",
  healthCheck: undefined,
  onBuild: [],
};

type Json = Readonly<Record<string, unknown>>;

/**
 * The state that a stage starts from on an image.
 *
 * @param config text of an image configuration (OCI image-spec, config.md), which is known to be valid JSON.
 */
export function stateOfConfig(config: string): ImageState {
  const image = objectOf(JSON.parse(config));
  const own = objectOf(image["config"]);
  const texts = (key: string): readonly string[] => {
    const value = own[key];
    return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
  };
  const text = (key: string): string => (typeof own[key] === "string" ? own[key] : "");
  const env = new Map<string, string>();
  for (const entry of texts("Env")) {
    const cut = entry.indexOf("=");
    env.set(cut < 0 ? entry : entry.slice(0, cut), cut < 0 ? "" : entry.slice(cut + 1));
  }
  if (!env.has("PATH")) env.set("PATH", EMPTY_STATE.env.get("PATH") ?? "");
  const labels = Object.entries(objectOf(own["Labels"])).flatMap(([key, value]) =>
    typeof value === "string" ? [[key, value] as const] : [],
  );
  const shell = texts("Shell");
  return {
    env,
    workingDir: text("WorkingDir") === "" ? "/" : text("WorkingDir"),
    user: text("User"),
    shell: shell.length === 0 ? DEFAULT_SHELL : shell,
    entrypoint: texts("Entrypoint"),
    cmd: texts("Cmd"),
    hasOwnCmd: false,
    labels: new Map(labels),
    volumes: Object.keys(objectOf(own["Volumes"])),
    ports: Object.keys(objectOf(own["ExposedPorts"])),
    stopSignal: text("StopSignal"),
    healthCheck: undefined,
    onBuild: texts("OnBuild"),
  };
}

/** The image configuration of a finished stage, as JSON; keys in a fixed order. */
export function configOfState(state: ImageState, arch: string): string {
  const keys = (list: readonly string[]) => Object.fromEntries(list.map((name) => [name, {}]));
  const config: Record<string, unknown> = {};
  const put = (key: string, value: unknown, isThere: boolean): void => {
    if (isThere) config[key] = value;
  };
  put("User", state.user, state.user !== "");
  put("ExposedPorts", keys(state.ports), state.ports.length > 0);
  put(
    "Env",
    [...state.env].map(([name, value]) => `${name}=${value}`),
    state.env.size > 0,
  );
  put("Entrypoint", state.entrypoint, state.entrypoint.length > 0);
  put("Cmd", state.cmd, state.cmd.length > 0);
  put("Volumes", keys(state.volumes), state.volumes.length > 0);
  put("WorkingDir", state.workingDir, true);
  put("Labels", Object.fromEntries(state.labels), state.labels.size > 0);
  put("StopSignal", state.stopSignal, state.stopSignal !== "");
  put("Healthcheck", state.healthCheck, state.healthCheck !== undefined);
  put("Shell", state.shell, state.shell.join("\0") !== DEFAULT_SHELL.join("\0"));
  put("OnBuild", state.onBuild, state.onBuild.length > 0);
  return JSON.stringify({ architecture: arch, os: "linux", config });
}

function objectOf(value: unknown): Json {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Json) : {};
}
