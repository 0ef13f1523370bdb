import fc from "fast-check";

const NAMES = ["A", "B", "C", "D", "PATH", "X"];

const name = fc.constantFrom(...NAMES);

/** Characters that shells read specially, among ordinary ones. */
const odd = fc
  .array(
    fc.constantFrom(
      ..."ab/:.,-_=+%@^~#!*?[]{}()<>|&;$\"'`\\ \t\n".split(""),
      ...["$A", "${B}", "a b", "/x/y", "$(echo q)", '"$C"', "$'\\t'", "\\n", "$((1+1))", "${#A}"],
    ),
    { maxLength: 7 },
  )
  .map((parts) => parts.join(""));

const plain = fc.constantFrom(
  "x",
  "a b",
  "a:b:c",
  "/usr/lib/x.tar.gz",
  "",
  "1",
  "42",
  "-n",
  "a*c",
  "[ab]",
  "  lead",
  "it's",
  'q"q',
  "$",
  "A",
  "B",
  "tail\n",
  "x=y",
  "~",
  "a,b;c",
);

const quoted = fc.oneof(
  plain.map((text) => `'${text.replaceAll("'", "")}'`),
  plain.map((text) => `"${text.replace(/["`$\\]/g, "\\$&")}"`),
);

const pattern = fc.constantFrom(
  "*",
  "?",
  "a*",
  "*b",
  "*/",
  "/*",
  "*:",
  ":*",
  "[ab]",
  "[!a]",
  "a",
  "b",
  " ",
  '"*"',
  "'a b'",
  "$B",
  '"$B"',
  "*.*",
  "[[:alpha:]]",
  "\\*",
  "\\?",
  "x",
);

const parameter = fc.oneof(
  name.map((n) => `$${n}`),
  name.map((n) => `\${${n}}`),
  fc.constantFrom("$1", "$2", "$3", "$#", "$?", "$*", "$@", "${@}", "${*}", "$9", "${1}", "$0"),
  fc
    .tuple(name, fc.constantFrom("-", ":-", "+", ":+", "=", ":="), fc.oneof(plain, quoted, odd))
    .map(([n, o, w]) => `\${${n}${o}${w}}`),
  fc
    .tuple(name, fc.constantFrom("#", "##", "%", "%%"), pattern)
    .map(([n, o, p]) => `\${${n}${o}${p}}`),
  fc
    .tuple(
      name,
      fc.constantFrom("/", "//", "/#", "/%"),
      pattern,
      fc.constantFrom("", "/", "/Z", "/$B", '/"a b"'),
    )
    .map(([n, o, p, r]) => `\${${n}${o}${p}${r}}`),
  fc
    .tuple(name, fc.constantFrom("^", "^^", ",", ",,", ":1", ":1:2", ": -1", ":0:-1"))
    .map(([n, o]) => `\${${n}${o}}`),
  name.map((n) => `\${#${n}}`),
  name.map((n) => `\${!${n}}`),
);

const substitution = fc.oneof(
  quoted.map((q) => `$(echo ${q})`),
  parameter.map((p) => `$(echo ${p})`),
  parameter.map((p) => `$(printf '%s\\n' "${p}")`),
  parameter.map((p) => `\`echo ${p}\``),
  fc
    .tuple(name, fc.constantFrom("+", "-", "*", "<", "==", "&&"))
    .map(([n, o]) => `$((${n} ${o} 3))`),
);

const piece = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom("x", "a.b", "/opt/bin", "1", ":", "=", "-", "%", "~", "a,b"),
  },
  { weight: 3, arbitrary: quoted },
  { weight: 4, arbitrary: parameter },
  { weight: 3, arbitrary: parameter.map((p) => `"${p}"`) },
  { weight: 1, arbitrary: substitution },
  { weight: 2, arbitrary: substitution.map((s) => `"a ${s} b"`) },
);

/** One word of a command. */
export const word: fc.Arbitrary<string> = fc
  .array(piece, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(""));

const value = fc.oneof(
  { weight: 6, arbitrary: word },
  { weight: 1, arbitrary: odd },
  { weight: 1, arbitrary: fc.constant("") },
);

const condition = fc.oneof(
  word.map((w) => `[ -n "${w.replaceAll('"', "")}" ]`),
  fc.tuple(word, word).map(([a, b]) => `[ ${a} = ${b} ]`),
  fc.tuple(word, word).map(([a, b]) => `test "$A" = ${a} -o ${b} = x`),
  fc.tuple(word, pattern).map(([a, b]) => `[[ ${a} == ${b} ]]`),
  fc.tuple(word, word).map(([a, b]) => `[[ -n ${a} && -z ${b} ]]`),
  fc.tuple(name, fc.constantFrom("-eq", "-lt", "-ge")).map(([n, o]) => `[ "\${#${n}}" ${o} 3 ]`),
  fc.constantFrom("true", "false", ":", "! true", "[ $# -gt 1 ]", "((1))", "[[ -v A ]]"),
);

const simple = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(name, value).map(([n, v]) => `export ${n}=${v}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(name, fc.constantFrom("=", "+="), value).map(([n, o, v]) => `${n}${o}${v}`),
  },
  { weight: 2, arbitrary: fc.array(word, { maxLength: 3 }).map((w) => `echo ${w.join(" ")}`) },
  { weight: 2, arbitrary: fc.array(word, { maxLength: 3 }).map((w) => `args ${w.join(" ")}`) },
  {
    weight: 1,
    arbitrary: fc.array(word, { maxLength: 2 }).map((w) => `printf '<%s>' ${w.join(" ")}`),
  },
  { weight: 1, arbitrary: name.map((n) => `export ${n}`) },
  { weight: 1, arbitrary: name.map((n) => `unset ${n}`) },
  { weight: 1, arbitrary: fc.array(word, { maxLength: 3 }).map((w) => `set -- ${w.join(" ")}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "shift",
      "IFS=:",
      "IFS=",
      "unset IFS",
      "false",
      "IFS=' :'",
      "set -f",
      "set +f",
    ),
  },
  { weight: 1, arbitrary: fc.tuple(word, name).map(([w, n]) => `read -r ${n} D <<< ${w}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(word, name)
      .map(([w, n]) => `read -r ${n} <<EOF\n${w.replaceAll("EOF", "")}\nEOF`),
  },
  { weight: 1, arbitrary: word.map((w) => `a=(${w} x); echo "\${#a[@]}" "\${a[*]}"`) },
  { weight: 1, arbitrary: word.map((w) => `eval ${w}`) },
);

const statement: fc.Arbitrary<string> = fc.letrec<{ statement: string; block: string }>((tie) => ({
  statement: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 8, arbitrary: simple },
    {
      weight: 1,
      arbitrary: fc
        .tuple(condition, tie("block"), tie("block"))
        .map(([c, a, b]) => `if ${c}; then\n${a}\nelse\n${b}\nfi`),
    },
    { weight: 1, arbitrary: fc.tuple(condition, tie("statement")).map(([c, s]) => `${c} && ${s}`) },
    {
      weight: 1,
      arbitrary: fc.tuple(condition, tie("statement")).map(([c, s]) => `${c} || { ${s}; }`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.array(word, { maxLength: 3 }), tie("block"))
        .map(([w, b]) => `for X in ${w.join(" ")}; do\n${b}\ndone`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(word, pattern, pattern, tie("statement"), tie("statement"))
        .map(([w, p, q, a, b]) => `case ${w} in ${p}|${q}) ${a} ;;\n*) ${b} ;; esac`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(word, tie("block"))
        .map(([w, b]) => `f() {\nlocal A=${w}\n${b}\n}\nf x "$A"`),
    },
    { weight: 1, arbitrary: tie("block").map((b) => `(\n${b}\n)`) },
  ) as fc.Arbitrary<string>,
  block: fc.array(tie("statement"), { minLength: 1, maxLength: 3 }).map((list) => list.join("\n")),
})).statement;

/** A script of a few statements, most of them well formed. */
export const script: fc.Arbitrary<string> = fc
  .array(statement, { minLength: 1, maxLength: 5 })
  .map(
    (list) =>
      `args() { echo "$#"; for arg; do echo "<$arg>"; done; }\nA=1 B="b b"\n${list.join("\n")}\nexport A B C D X\n`,
  );
