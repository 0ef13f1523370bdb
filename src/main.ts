/** No word of a command line begins with it. */
const QUESTION = 1;

// The launcher knows a launch, but a registry has to be asked first: that is all this process is for.
const [, , first = ""] = Bun.argv;
if (first.charCodeAt(0) === QUESTION) {
  const { askRegistry } = await import("./_ask.ts");
  process.exit(await askRegistry(first.slice(1)));
}
const { main } = await import("./_main.ts");
await main();

export {};
