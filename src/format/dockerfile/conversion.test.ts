import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeOsText } from "../../base/os-text.ts";
import { checkDefinition } from "../deffile/check.ts";
import { parseDefinition } from "../deffile/parse.ts";
import { substituteArguments } from "../deffile/substitute.ts";
import { checkDockerfile } from "./check.ts";
import { fromDefinition } from "./from-definition.ts";
import { parseDockerfile } from "./parse.ts";
import { toDefinition } from "./to-definition.ts";

describe("toDefinition()", () => {
  test("says what a Dockerfile says, and what it cannot", () => {
    const text = `ARG TAG=12
FROM debian:$TAG AS build
ARG V=1
WORKDIR /src
RUN make $V
FROM debian:\${TAG}
ENV A="x y" B=1
COPY --from=build /src/out /usr/bin/
COPY tree /opt/tree
COPY file /f
USER ann
LABEL who="me too"
ENTRYPOINT ["/usr/bin/out", "it's"]
CMD ["-h"]
`;
    const made = toDefinition(parseDockerfile(text).file, (path) => path === "tree");
    expect(made.text).toBe(`Bootstrap: docker
From: debian:{{ TAG }}
Stage: build

%arguments
    TAG=12
    V=1

%post
export V="{{ V }}"
mkdir -p "/src"
# line 5
(
cd "/src"
make $V
)

Bootstrap: docker
From: debian:{{ TAG }}
Stage: stage-1

%arguments
    TAG=12

%files from build
    /src/out /usr/bin/

%files
    tree/. /opt/tree/
    file /f

%post
export A="x y"
export B="1"

%environment
    export A="x y"
    export B="1"

%labels
    who me too

%runscript
    [ $# -gt 0 ] || set -- -h
    exec /usr/bin/out 'it'\\''s' "$@"
`);
    expect(made.notes.map(({ line, text: note }) => `${line}: ${note}`)).toEqual([
      "4: a container starts in the caller's directory, not in WORKDIR",
      "11: USER has no equivalent",
    ]);
  });

  test("repeats a stage that another goes on with, and names images of --from", () => {
    const made = toDefinition(
      parseDockerfile(
        "FROM a AS one\nRUN x\nFROM one\nCOPY --from=busybox:1 /bin/sh /s\nRUN <<E\ny\nE\n",
      ).file,
      () => false,
    );
    expect(made.text).toContain("Bootstrap: docker\nFrom: busybox:1\nStage: image-busybox-1\n");
    expect(made.text).toContain("%files from image-busybox-1\n    /bin/sh /s\n");
    expect(made.text).toContain('# line 2\n(\ncd "/"\nx\n)\n# line 5\n(\ncd "/"\ny\n)\n');
    expect(made.notes.map(({ text }) => text)).toContain(
      "no stage goes on with another: the instructions of stage one are repeated",
    );
  });

  test("gives a definition without errors", () => {
    const texts = [
      "FROM scratch\n",
      'FROM a\nRUN ["x"]\nSHELL ["/bin/bash", "-c"]\nRUN y\nADD http://h/f /\n',
    ];
    for (const text of texts) {
      const { text: made } = toDefinition(parseDockerfile(text).file, () => false);
      const { definition, diagnostics } = substituteArguments(
        parseDefinition(made).definition,
        new Map(),
      );
      expect([...diagnostics, ...checkDefinition(definition)]).toEqual([]);
    }
  });
});

describe("fromDefinition()", () => {
  test("says what a definition file says, and what it cannot", () => {
    const text = `Bootstrap: docker
From: debian:{{ TAG }}
Stage: Build

%arguments
    TAG=12
%setup
    touch x
%files
    a b
    "c d" /e
%post -c /bin/bash
    make {{ TAG }}
%environment
    export A="x"
    export B=$(date)
%labels
    who me too
%runscript
    exec /usr/bin/out "$@"
%test
    true
`;
    const made = fromDefinition(parseDefinition(text).definition);
    expect(made.text).toBe(`# syntax=docker/dockerfile:1
ARG TAG="12"

FROM debian:\${TAG} AS build
ARG TAG="12"
COPY a b
COPY ["c d","/e"]
RUN <<'EOF'
#!/bin/bash
    make \${TAG}
EOF
ENV A="x"
LABEL "who"="me too"
COPY --chmod=755 <<'EOF' /.runscript
#!/bin/sh

    exec /usr/bin/out "$@"
EOF
ENTRYPOINT ["/.runscript"]
RUN <<'EOF'
#!/bin/sh

    true
EOF
`);
    expect(made.notes.map(({ text: note }) => note)).toEqual([
      "%setup runs on the host and has no equivalent",
      "templates in %post are arguments now: they are variables of its shell",
      '%environment: "export B=$(date)" is no plain assignment',
    ]);
  });

  const folder = join(import.meta.dir, "../../../test/fixtures/deffiles");
  test.each(readdirSync(folder).filter((name) => name.endsWith(".def")))(
    "gives a Dockerfile without errors for %s",
    (name) => {
      const text = decodeOsText(new Uint8Array(readFileSync(join(folder, name))));
      const made = fromDefinition(parseDefinition(text).definition);
      const { file, diagnostics } = parseDockerfile(made.text);
      const errors = [...diagnostics, ...checkDockerfile(file)].filter(
        (one) => one.severity === "error",
      );
      expect(errors).toEqual([]);
    },
  );
});
