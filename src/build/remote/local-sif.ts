import { rmSync } from "node:fs";
import { wantedPlatform } from "../../format/oci/platform.ts";
import { findImage, obtainImage } from "../../image/cache/image-store.ts";
import { type CachePlaces, makeFolder } from "../../image/cache/places.ts";
import { uniqueName } from "../../image/cache/records.ts";
import { spaceFault } from "../../image/cache/space.ts";
import { saveImage } from "../../registry/daemon/save-image.ts";
import { type LocalTransport, openLocalOciImage } from "../oci/sources/open-local-image.ts";
import type { RemoteAccess } from "./access.ts";
import { convertToSif } from "./convert-to-sif.ts";
import { requireRoom } from "./require-room.ts";
import { entryOf } from "./sif-name.ts";
import { tellWaiting } from "./tell-waiting.ts";

/** Path of the SIF, in the cache, of an image that lies here as directory or archive; its manifest names it there. */
export async function convertLocalImage(
  transport: LocalTransport,
  address: { readonly text: string; readonly path: string },
  access: RemoteAccess,
): Promise<string> {
  const { places, wish } = access;
  const { text, path: place } = address;
  const opened = await openLocalOciImage(
    transport,
    place,
    access.cwd,
    wantedPlatform(wish),
    archivesOf(places),
  );
  // An archive fetched for the purpose is called what it was fetched by.
  const image = { ...opened, reference: text };
  const entry = entryOf(image.manifestDigest, text, access);
  const found = findImage(places, entry);
  if (found !== undefined) {
    access.talk.info("Using cached SIF image");
    return found;
  }
  return await obtainImage(
    places,
    entry,
    { reference: text, manifest: image.manifestDigest },
    async (path, tell) => {
      const sum = image.layers.reduce((all, layer) => all + layer.sizeBytes, 0);
      requireRoom(access, sum, sum, text);
      await convertToSif(image, path, access, { tell });
    },
    { signal: access.signal, onWait: tellWaiting(access.talk) },
  );
}

/** Folder of archives that are only read once. */
function archivesOf(places: CachePlaces): string {
  return `${places.root}/skiff/archives`;
}

/** The same for an image of a Docker daemon, which writes it as an archive beside the cache first. */
export async function convertDaemonImage(
  address: { readonly text: string; readonly path: string },
  access: RemoteAccess,
): Promise<string> {
  const { places, talk } = access;
  const folder = archivesOf(places);
  makeFolder(folder);
  const archive = `${folder}/${uniqueName()}.tar`;
  const name = address.path.replace(/^\/\//, "");
  talk.info(`Saving ${name} from the Docker daemon`);
  try {
    await saveImage(access.dockerHost, name, archive, access.signal);
    return await convertLocalImage("docker-archive", { ...address, path: archive }, access);
  } catch (error) {
    throw spaceFault(error, `Cannot store ${address.text}`, places.root);
  } finally {
    rmSync(archive, { force: true });
  }
}
