import type { BindSpec } from "../plan/bind-spec.ts";

/** What a mount needs at least, or all that a bind of the caller says. */
export type MountInput = Pick<BindSpec, "source" | "target"> &
  Partial<Pick<BindSpec, "readOnly" | "imageSrc" | "id" | "nested">>;

/** A bind as one value of `--mount`: CSV, quoted where a path needs it. */
export function mountWord(bind: MountInput): string {
  const fields = ["type=bind", `source=${bind.source}`, `destination=${bind.target}`];
  if (bind.readOnly === true) fields.push("ro");
  if (bind.imageSrc !== undefined) fields.push(`image-src=${bind.imageSrc}`);
  if (bind.id !== undefined) fields.push(`id=${bind.id}`);
  return fields.map(quoteField).join(",");
}

function quoteField(field: string): string {
  return /[",\n\r]|^\s/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
