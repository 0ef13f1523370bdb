import { describe, expect, test } from "bun:test";
import { memoryView } from "../../../test/support/memory-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { parseDefinition } from "../../format/deffile/parse.ts";
import { recipeOf } from "../../format/deffile/recipe.ts";
import { parseLabelsFile } from "../../image/inspect/labels-file.ts";
import { editedView } from "../root/edited-view.ts";
import { inspectMetadata, readIn } from "./inspect-metadata.ts";
import { buildDate } from "./labels.ts";
import { labelsJson } from "./labels-json.ts";
import { type MetadataInput, planMetadata } from "./plan-metadata.ts";

function plan(
  text: string,
  nodes: Parameters<typeof memoryView>[0],
  extra: Partial<MetadataInput> = {},
) {
  const [recipe] = recipeOf(parseDefinition(text).definition).stages;
  if (recipe === undefined) throw new Error("no stage");
  const view = editedView(memoryView(nodes));
  const said: string[] = [];
  planMetadata(
    view,
    {
      recipe,
      text,
      time: new Date("2026-11-22T07:05:09Z"),
      arch: "amd64",
      version: "0.0.1",
      peerVersion: "1.4.5",
      force: false,
      withHeader: true,
      hasSection: () => true,
      ...extra,
    },
    { info: (line) => said.push(line), warning: (line) => said.push(`W ${line}`) },
  );
  const read = (path: string): string | undefined => {
    const content = readIn(view, path);
    return content === undefined ? undefined : decodeOsText(content);
  };
  return {
    view,
    said,
    read,
    labels: parseLabelsFile(readIn(view, "/.singularity.d/labels.json") ?? new Uint8Array(0))
      .labels,
  };
}

const OLD_LABELS = JSON.stringify({ A: "old", "org.label-schema.build-arch": "mips" });

describe("planMetadata()", () => {
  const text =
    "Bootstrap: docker\nFrom: x:1\n%help\n h\n%labels\n A new\n B b\n%environment\n export X=1\n";

  test("writes help, labels, definition and environment as the peer does", () => {
    const { said, read, labels } = plan(text, {
      "/.singularity.d/env/90-environment.sh": { file: "#!/bin/sh\n" },
    });
    expect(said).toEqual(["Adding help info", "Adding labels", "Adding environment to container"]);
    expect(read("/.singularity.d/runscript.help")).toBe(" h\n\n");
    expect(read("/.singularity.d/Singularity")).toBe(text);
    expect(read("/.singularity.d/env/90-environment.sh")).toBe("#!/bin/sh\n\n export X=1\n\n");
    expect(Object.fromEntries(labels)).toEqual({
      A: "new",
      B: "b",
      "org.label-schema.build-arch": "amd64",
      "org.label-schema.build-date": "Sunday_22_November_2026_7:5:9_UTC",
      "org.label-schema.schema-version": "1.0",
      "org.label-schema.usage": "/.singularity.d/runscript.help",
      "org.label-schema.usage.apptainer.runscript.help": "/.singularity.d/runscript.help",
      "org.label-schema.usage.apptainer.version": "1.4.5",
      "org.label-schema.usage.singularity.deffile.bootstrap": "docker",
      "org.label-schema.usage.singularity.deffile.from": "x:1",
      "org.label-schema.usage.skiff.version": "0.0.1",
    });
  });

  test("labels: automatic ones beat those of %post, which beat the base; %labels only adds", () => {
    const nodes = {
      "/.singularity.d/labels.json": { file: OLD_LABELS },
      "/.build.labels": { file: "A post\nB\norg.label-schema.schema-version 9\n" },
    };
    const { labels, said, view } = plan(text, nodes);
    expect([labels.get("A"), labels.get("B")]).toEqual(["post", ""]);
    expect(labels.get("org.label-schema.schema-version")).toBe("1.0");
    expect(labels.get("org.label-schema.build-arch")).toBe("amd64");
    expect(said).toContain("W Label: A already exists and force option is false, not overwriting");
    expect(view.lstat("/.build.labels")).toBeUndefined();
    expect(plan(text, nodes, { force: true }).labels.get("A")).toBe("new");
  });

  test("an inherited help stays unless forced", () => {
    const nodes = { "/.singularity.d/runscript.help": { file: "old" } };
    expect(plan(text, nodes).read("/.singularity.d/runscript.help")).toBe("old");
    expect(plan(text, nodes, { force: true }).read("/.singularity.d/runscript.help")).toBe(
      " h\n\n",
    );
  });

  test("the definition of the base moves to the history, numbered on", () => {
    const { read } = plan(text, {
      "/.singularity.d/Singularity": { file: "base" },
      "/.singularity.d/bootstrap_history/Apptainer0": { file: "older" },
    });
    expect(read("/.singularity.d/bootstrap_history/Apptainer0")).toBe("older");
    expect(read("/.singularity.d/bootstrap_history/Apptainer1")).toBe("base");
  });

  test("--section keeps sections out, but not the labels that are made anyway", () => {
    const { said, labels } = plan(text, {}, { hasSection: (name) => name === "environment" });
    expect(said).toEqual(["Adding environment to container"]);
    expect(labels.has("A")).toBe(false);
    expect(labels.has("org.label-schema.usage")).toBe(false);
    expect(labels.has("org.label-schema.build-date")).toBe(true);
  });

  test("an update leaves the header labels alone", () => {
    const { labels } = plan(text, {}, { withHeader: false });
    expect([...labels.keys()].filter((key) => key.includes("deffile"))).toEqual([]);
  });

  test("writes where links in the root lead, never out of it", () => {
    const { view } = plan(text, {
      "/.singularity.d": { link: "/../../opt/own" },
      "/opt/own/env/x": { file: "" },
    });
    expect(view.edits.every((edit) => edit.path.startsWith("/opt/own/"))).toBe(true);
  });
});

test("inspectMetadata() gives the peer's keys in the peer's order and leaves out what is empty", () => {
  const view = memoryView({
    "/.singularity.d/env/01-base.sh": { file: "no" },
    "/.singularity.d/env/10-docker2singularity.sh": { file: "export P=1\n" },
    "/.singularity.d/env/90-environment.sh": { file: "a <b> & c\n\n" },
    "/.singularity.d/env/91-environment.sh": { file: "z" },
    "/.singularity.d/labels.json": { file: '{"b":"2","9":"nine","10":"ten"}' },
    "/.singularity.d/Singularity": { file: "Bootstrap: x\n" },
    "/.singularity.d/runscript": { file: "#!/bin/sh\n" },
    "/scif/apps/my-app/scif/labels.json": { file: '{"SCIF_APP_NAME":"my-app"}' },
    "/scif/apps/my-app/scif/env/90-environment.sh": { file: "B=2\n" },
    "/scif/apps/none/bin/x": { file: "" },
  });
  expect(inspectMetadata(view)).toBe(
    '{"data":{"attributes":{"apps":{"my-app":{"environment":{"/scif/apps/my-app/scif/env/90-environment.sh":"B=2"},' +
      '"labels":{"SCIF_APP_NAME":"my-app"}}},' +
      '"environment":{"/.singularity.d/env/10-docker2singularity.sh":"export P=1",' +
      '"/.singularity.d/env/90-environment.sh":"a \\u003cb\\u003e \\u0026 c","/.singularity.d/env/91-environment.sh":"z"},' +
      '"labels":{"10":"ten","9":"nine","b":"2"},"runscript":"#!/bin/sh","deffile":"Bootstrap: x"}},"type":"container"}',
  );
});

test("buildDate() pads nothing", () => {
  expect(buildDate(new Date("2024-02-03T00:04:05Z"))).toBe("Saturday_3_February_2024_0:4:5_UTC");
});

test("labelsJson() sorts keys by bytes and indents with a tab", () => {
  expect(
    labelsJson(
      new Map([
        ["b", "1"],
        ["B", "2"],
        ["10", "3"],
      ]),
    ),
  ).toBe('{\n\t"10": "3",\n\t"B": "2",\n\t"b": "1"\n}');
  expect(labelsJson(new Map())).toBe("{}");
});
