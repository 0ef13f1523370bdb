/** How the launcher's question begins; a program that carries an image may get any other word. */
const QUESTION = '\u0001{"url":';

// The launcher knows a launch, but a registry has to be asked first: that is all this process is for.
const [, , first = ""] = Bun.argv;
if (first.startsWith(QUESTION)) {
  const { askRegistry } = await import("./_ask.ts");
  process.exit(await askRegistry(first.slice(1)));
}
const { main } = await import("./_main.ts");
await main();

export {};
