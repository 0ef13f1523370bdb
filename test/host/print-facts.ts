/** Prints the facts named on the command line as JSON; run by the tests in children with other surroundings. */
import { hostFacts } from "../../src/host/facts.ts";
import type { HostFacts } from "../../src/plan/facts.ts";

const facts = hostFacts({ binaryPath: "$PATH:/usr/sbin:/usr/bin:/bin" });
const wanted = process.argv.slice(2) as (keyof HostFacts)[];
const found = wanted.map((name) => [name, facts[name] ?? null]);
await Bun.write(Bun.stdout, JSON.stringify(Object.fromEntries(found)));
