import { Fault } from "../../base/fault.ts";
import type { Stage } from "../stage.ts";
import { type Agent, TELLING_RUNSCRIPT } from "./agent.ts";
import { unpackFile } from "./localimage.ts";

/** `Bootstrap: oras`, `library`, `shub`: the root of an image file that lies elsewhere. */
export const fetched: Agent = {
  keepsFiles: true,
  runscript: TELLING_RUNSCRIPT,
  async bootstrap(stage) {
    const path = await fetchedPath(stage);
    await unpackFile(path, stage);
  },
};

/** Path of the file of the image that the header names, fetched where needed. */
export async function fetchedPath(stage: Stage): Promise<string> {
  const { header } = stage.recipe;
  const agent = header["bootstrap"] ?? "";
  const from = (header["from"] ?? "").replace(/^\/\//, "");
  const service = (header["library"] ?? "").replace(/^[a-z]+:\/\/|\/+$/g, "");
  const name = service === "" ? from : `${service}/${from}`;
  const address = from.startsWith(`${agent}://`) ? from : `${agent}://${name}`;
  const fetch = stage.ports.fetchImage;
  if (fetch === undefined) throw new Fault("unsupported", `Cannot fetch "${address}" here`);
  return await fetch(address);
}
