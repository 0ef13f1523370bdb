import { resolveIn } from "../../base/file-view.ts";
import { hostFiles } from "../../host/host-files.ts";
import type { Step } from "../step.ts";
import { findAccount } from "./account.ts";
import { makeParents } from "./copy-item.ts";

/** WORKDIR as a step: makes the directory. */
export function workdirStep(path: string, user: string, title: string, line: number): Step {
  return {
    title,
    line,
    inputs: () => new Map([["directory", `${path} ${user}`]]),
    run: (stage) => {
      const view = hostFiles(stage.root);
      if (resolveIn(view, path).entry?.kind === "dir") return Promise.resolve();
      const owner = user === "" ? undefined : findAccount(view, user);
      makeParents(stage.root, `${path}/`, owner);
      return Promise.resolve();
    },
  };
}
