import type { InstanceRecord } from "../../runtime/instances/records.ts";

/**
 * A systemd user unit that starts the instance again as it was started, watches it, and starts it anew
 * when it fails (systemd.service(5), systemd.syntax(7)).
 */
export function systemdUnit(one: InstanceRecord): string {
  const { words, cwd } = one.command;
  const [program = "skiff", ...rest] = words;
  const at = rest.indexOf("--");
  // Where the words are the caller's own, the process id file comes before them.
  const start = [...rest.slice(0, at), `--pid-file=%t/skiff-${one.name}.pid`, ...rest.slice(at)];
  const line = [program, ...start].map((word) => quoteWord(word)).join(" ");
  return `# Install as ~/.config/systemd/user/skiff-${one.name}.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now skiff-${one.name}
# Without a login it runs after: loginctl enable-linger
[Unit]
Description=Container instance ${escapeSpecifiers(one.name)} of ${escapeSpecifiers(one.image)}

[Service]
Type=forking
PIDFile=%t/skiff-${one.name}.pid
WorkingDirectory=${escapeSpecifiers(cwd)}
ExecStart=${line}
ExecStop=${quoteWord(program)} instance stop ${one.name}
Restart=on-failure
RestartSec=1

[Install]
WantedBy=default.target
`;
}

/** One word of a command line; `%t` of our own stays a specifier. */
function quoteWord(word: string): string {
  const [, own = "", rest = word] = /^(--pid-file=%t)(.*)$/s.exec(word) ?? [];
  const safe = own + escapeSpecifiers(rest).replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_@%+=:,./$-]+$/.test(safe)) return safe;
  const inside = safe.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${inside}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}
