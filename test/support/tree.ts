/** The directory of the repository that the tests run in; clean, absolute. */
export const treeRoot: string = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** The binary under test: `SKIFF_BIN`, else `dist/skiff` of this tree. */
export const skiffPath: string = process.env["SKIFF_BIN"] ?? `${treeRoot}/dist/skiff`;
