/** GOARCH name of this machine, which images have whose programs are run. */
export const ownArch: string = process.arch === "arm64" ? "arm64" : "amd64";
