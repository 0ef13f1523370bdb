/**
 * A parsed script. Quoting is resolved while parsing: every part says whether it was quoted, which
 * is all that splitting, globbing and patterns need to know. Offsets (`at`) count characters.
 */

/** Literal characters. */
export interface TextPart {
  readonly kind: "text";
  readonly text: string;
  readonly quoted: boolean;
}

/** What is done to a parameter's value inside `${…}`. */
export type ParameterOperator =
  | ""
  | "-"
  | "="
  | "?"
  | "+"
  | "#"
  | "##"
  | "%"
  | "%%"
  | "/"
  | "//"
  | "/#"
  | "/%"
  | "^"
  | "^^"
  | ","
  | ",,"
  | ":";

/** `$name`, `${name…}` and the special parameters. */
export interface ParameterPart {
  readonly kind: "parameter";
  readonly name: string;
  /** Subscript: absent, `@`, `*`, or an arithmetic word. */
  readonly index: "@" | "*" | Word | undefined;
  /** `${#name}`. */
  readonly length: boolean;
  /** `${!name}`. */
  readonly indirect: boolean;
  readonly operator: ParameterOperator;
  /** The colon of `:-`, `:=`, `:?`, `:+`: an empty value counts as unset. */
  readonly colon: boolean;
  /** Operand: default, pattern or offset. */
  readonly word: Word | undefined;
  /** Second operand: replacement or length. */
  readonly second: Word | undefined;
  readonly quoted: boolean;
  readonly at: number;
}

/** `$(…)` and backquotes; the text is parsed when it is run, as the shell does for backquotes. */
export interface CommandPart {
  readonly kind: "command";
  readonly body: List;
  readonly quoted: boolean;
  readonly at: number;
}

/** `$((…))`. */
export interface ArithmeticPart {
  readonly kind: "arithmetic";
  readonly word: Word;
  readonly quoted: boolean;
  readonly at: number;
}

/** A construct that only a real shell carries out; reaching it ends the evaluation. */
export interface UnsupportedPart {
  readonly kind: "unsupported";
  readonly reason: string;
  readonly at: number;
}

export type Part = TextPart | ParameterPart | CommandPart | ArithmeticPart | UnsupportedPart;
export type Word = readonly Part[];

/** `name=value`, `name+=value`, `name[index]=value`, `name=(…)`. */
export interface Assignment {
  readonly name: string;
  readonly index: Word | undefined;
  readonly append: boolean;
  /** Absent for `export NAME`. */
  readonly value: Word | undefined;
  /** Elements of `name=(…)`, each with its subscript if it has one. */
  readonly elements:
    | readonly { readonly index: Word | undefined; readonly word: Word }[]
    | undefined;
  readonly at: number;
}

export interface Redirection {
  /** Descriptor on the left; -1: the operator's own; -2: both outputs (`&>`). */
  readonly fd: number;
  readonly operator: "<" | ">" | ">>" | ">|" | "<>" | "<&" | ">&" | "<<" | "<<<";
  readonly target: Word;
  readonly at: number;
}

export interface SimpleCommand {
  readonly kind: "simple";
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  /** Set when the command is literally export, readonly, declare, typeset or local: its operands. */
  readonly declarations: readonly (Assignment | Word)[] | undefined;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export interface GroupCommand {
  readonly kind: "group" | "subshell";
  readonly body: List;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export interface IfCommand {
  readonly kind: "if";
  readonly branches: readonly { readonly condition: List; readonly body: List }[];
  readonly otherwise: List | undefined;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export interface ForCommand {
  readonly kind: "for";
  readonly name: string;
  /** Absent: the positional parameters. */
  readonly words: readonly Word[] | undefined;
  readonly body: List;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export interface WhileCommand {
  readonly kind: "while";
  readonly until: boolean;
  readonly condition: List;
  readonly body: List;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export interface CaseCommand {
  readonly kind: "case";
  readonly subject: Word;
  readonly clauses: readonly {
    readonly patterns: readonly Word[];
    readonly body: List;
    readonly end: ";;" | ";&" | ";;&";
  }[];
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export interface FunctionCommand {
  readonly kind: "function";
  readonly name: string;
  readonly body: Command;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

/** `[[ … ]]` as a tree. */
export type Condition =
  | { readonly kind: "not"; readonly of: Condition }
  | { readonly kind: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly kind: "unary"; readonly operator: string; readonly word: Word }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Word;
      readonly right: Word;
    };

export interface ConditionCommand {
  readonly kind: "condition";
  readonly condition: Condition;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

/** `(( … ))`. */
export interface ArithmeticCommand {
  readonly kind: "arithmetic";
  readonly word: Word;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

/** A construct that only a real shell carries out. */
export interface UnsupportedCommand {
  readonly kind: "unsupported";
  readonly reason: string;
  readonly redirections: readonly Redirection[];
  readonly at: number;
}

export type Command =
  | SimpleCommand
  | GroupCommand
  | IfCommand
  | ForCommand
  | WhileCommand
  | CaseCommand
  | FunctionCommand
  | ConditionCommand
  | ArithmeticCommand
  | UnsupportedCommand;

/** Commands joined by `|`; `negated` for a leading `!`. */
export interface Pipeline {
  readonly negated: boolean;
  readonly commands: readonly Command[];
  /** How it hangs on the one before: `;`, `&&` or `||`. */
  readonly join: ";" | "&&" | "||";
  /** Ends with `&`. */
  readonly background: boolean;
  readonly at: number;
}

export type List = readonly Pipeline[];
