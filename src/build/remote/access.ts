import type { PlatformWish } from "../../format/oci/platform.ts";
import type { CachePlaces } from "../../image/cache/places.ts";
import type { Twin } from "../../image/cache/twin.ts";
import type { FindCredential } from "../../registry/credentials/find.ts";
import type { HttpClient } from "../../registry/http/client.ts";
import type { Question } from "../../registry/http/question.ts";
import type { LibraryPlace } from "../../registry/library/pull.ts";
import type { MirrorRule } from "../../registry/mirror/mirrors.ts";
import { Registry } from "../../registry/oci/registry.ts";
import type { Talk } from "../talk.ts";

/** A step that takes time and whose progress is shown. */
export interface Step {
  update(done: number): void;
  /** Begins to show a part of it beside the whole; `total` in bytes. */
  part(title: string, total: number): Step;
  finish(): void;
}

/** How an image was found in the cache: it is still the one as long as the question has the same answer. */
export interface FoundImage {
  /** Absent: no server has to be asked. */
  readonly question?: Question;
  /** Milliseconds since 1970 until which it can be asked; absent: for ever. */
  readonly untilMs?: number | undefined;
}

/** Everything that fetching an image needs to know and reach. */
export interface RemoteAccess {
  readonly http: HttpClient;
  readonly noHttps: boolean;
  readonly findCredential: FindCredential;
  /** Other places of images, asked first. */
  readonly mirrors: readonly MirrorRule[];
  /** The cache, or a directory that the caller removes afterwards. */
  readonly places: CachePlaces;
  /** Variable that moves `places.root` elsewhere, for faults. */
  readonly placeVariable: string;
  /** Directory into which the image is copied in the end; absent when it is used from the cache. */
  readonly copiedTo?: string;
  /** That copy, to be made while the image is fetched. */
  readonly twin?: Twin;
  /** The library service of that host, or without one that of `--library` or in use. Throws a Fault when there is none. */
  findLibrary(host: string | undefined): Promise<LibraryPlace>;
  /** Address of the web server for files of IPFS. Throws a Fault when none is named. */
  ipfsGateway(): string;
  readonly wish: PlatformWish;
  /** Images of layers become OCI-SIFs (--oci); absent: SIFs. */
  readonly ociSif?: { readonly keepLayers: boolean };
  /** Told where an image in the cache can be found again that easily. */
  onFound?(how: FoundImage): void;
  readonly concurrency: number;
  /** Length of the parts of a file that are fetched at the same time. */
  readonly partBytes: number;
  /** Ask no server what a tag stands for: what it last stood for counts. */
  readonly offline: boolean;
  readonly talk: Talk;
  /** skiff's own configuration directory. */
  readonly configDir: string;
  /** Address of the Docker daemon; "" for the usual socket. */
  readonly dockerHost: string;
  /** Where relative paths start. */
  readonly cwd: string;
  /** Begins to show a step; `total` in bytes where it is known. */
  step(title: string, total: number | undefined): Step;
  /** Path of a host program, or undefined. */
  tool(name: string): string | undefined;
  readonly version: string;
  readonly peerVersion: string;
  readonly mksquashfsArgs: readonly string[];
  readonly processors: number;
  readonly memory: string;
  readonly sourceDateEpoch: number | undefined;
  readonly signal: AbortSignal;
}

/** The registry of that name. */
export function registryOf(access: RemoteAccess, name: string): Registry {
  const { http, noHttps, findCredential } = access;
  return new Registry(name, { http, noHttps, findCredential });
}
