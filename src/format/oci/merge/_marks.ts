/** What the name of a mark begins with that removes what lower layers have (OCI image-spec, layer.md). */
export const WHITEOUT = ".wh.";
/** The mark that empties its directory. */
export const OPAQUE = ".wh..wh..opq";
