import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { treeRoot } from "../support/tree.ts";

/** A message passing library of the host, as Debian packages it. */
export type Mpi = "openmpi" | "mpich";

/** Directories that its library loads parts from. */
const PARTS: Readonly<Record<Mpi, readonly string[]>> = {
  openmpi: ["openmpi", "pmix2"],
  mpich: [],
};

/** Why there is no program of that library here, or undefined. */
export function noMpi(mpi: Mpi): string | undefined {
  return noTool(`mpicc.${mpi}`) ?? noTool(`mpirun.${mpi}`);
}

/**
 * Makes `DIR/MPI`, an image as a directory with the program of job-program.c as /bin/job and the
 * library it was compiled with, and packs it as `DIR/MPI.sqfs`.
 */
export async function makeMpiImage(mpi: Mpi, dir: string): Promise<string> {
  const root = `${dir}/${mpi}`;
  makeTree(root, IMAGE_TREE);
  const must = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(words, { as: "self", cwd: dir });
    if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
    return stdout;
  };
  const source = `${treeRoot}/test/ranks/job-program.c`;
  await must(`mpicc.${mpi}`, "-O1", source, "-o", `${root}/bin/job`);
  const libraries = `/usr/lib/${(await must("gcc", "-print-multiarch")).trim()}`;
  for (const part of PARTS[mpi]) {
    if (!existsSync(`${libraries}/${part}`)) continue;
    cpSync(`${libraries}/${part}`, `${root}${libraries}/${part}`, {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  const needed = await must(
    ...[
      "sh",
      "-c",
      'ldd "$1/bin/job"; find "$1/usr" -name "*.so" -type f -exec ldd {} +',
      "sh",
      root,
    ],
  );
  for (const [, file = ""] of needed.matchAll(/(?:=> |^\t)(\/\S+)/gm)) {
    if (existsSync(root + file)) continue;
    mkdirSync(dirname(root + file), { recursive: true });
    cpSync(file, root + file, { dereference: true });
  }
  await must("mksquashfs", mpi, `${mpi}.sqfs`, "-quiet", "-no-progress", "-comp", "lz4");
  return `${dir}/${mpi}.sqfs`;
}
