import type { ProgramName } from "./program.ts";

/*
 * The scripts hold no table: they ask `PROGRAM __complete -- WORDS... CURRENT`, which prints one
 * candidate a line (`word TAB text`) and last `:none`, `:file` or `:dir`. So they never grow old, and
 * one answer serves every shell. The question takes a few milliseconds.
 */

/** Shells that a script can be made for. */
export type Shell = "bash" | "zsh" | "fish" | "powershell";

/** The completion script of a shell for the program under the given name. */
export function formatCompletionScript(shell: Shell, program: ProgramName): string {
  return SCRIPTS[shell].replaceAll("@@", program);
}

const BASH = `# bash completion for @@
_@@_complete() {
  local current=\${COMP_WORDS[COMP_CWORD]} line paths= word i
  local -a words=()
  # Bash cuts words at "=" and ":"; the program wants them whole.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((\${#words[@]} > 0)) && { [[ $word == [=:]* ]] || [[ \${COMP_WORDS[i - 1]} == [=:] ]]; }; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
  done
  local whole=\${words[\${#words[@]} - 1]}
  # What bash has cut off already must not come again in the answers.
  local head=
  case $current in
    = | :) head=$whole current= ;;
    *) head=\${whole%"$current"} ;;
  esac
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :none | :file | :dir) paths=$line ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete -- "\${words[@]}" 2>/dev/null)
  for i in "\${!COMPREPLY[@]}"; do
    COMPREPLY[i]=\${COMPREPLY[i]#"$head"}
  done
  case $paths in
    :file)
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${current#*=}")
      ;;
    :dir)
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "\${current#*=}")
      ;;
  esac
}
complete -F _@@_complete @@
`;

const ZSH = `#compdef @@
# zsh completion for @@
_@@() {
  local line paths
  local -a candidates
  while IFS= read -r line; do
    case $line in
      (:none|:file|:dir) paths=$line ;;
      (*)
        local word=\${line%%$'\\t'*} text=\${line#*$'\\t'}
        candidates+=("\${word//:/\\\\:}:$text")
        ;;
    esac
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  local found=1
  if (( \${#candidates} )); then
    _describe -V '@@' candidates && found=0
  fi
  case $paths in
    (:file|:dir)
      compset -P '--*='
      if [[ $paths == :dir ]]; then _files -/ && found=0; else _files && found=0; fi
      ;;
  esac
  return found
}
if [[ \${funcstack[1]} == _@@ ]]; then _@@ "$@"; else compdef _@@ @@; fi
`;

const FISH = `# fish completion for @@
function __@@_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
  set -l paths $lines[-1]
  for line in $lines[1..-2]
    echo $line
  end
  set -l head (string match -r '^--[^=]*=' -- "$current")
  set -l rest (string replace -r '^--[^=]*=' '' -- "$current")
  switch "$paths"
    case :file
      for path in (__fish_complete_path "$rest")
        echo "$head$path"
      end
    case :dir
      for path in (__fish_complete_directories "$rest" '')
        echo "$head$path"
      end
  end
end
complete -c @@ -f -a '(__@@_complete)'
`;

const POWERSHELL = `# PowerShell completion for @@
Register-ArgumentCompleter -Native -CommandName '@@' -ScriptBlock {
  param($current, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($current -eq '') { $words += '""' }
  & '@@' __complete '--' @words 2>$null | ForEach-Object {
    if ($_ -in ':none', ':file', ':dir') { return }
    $word, $text = $_ -split "\`t", 2
    if (-not $text) { $text = $word }
    [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $text)
  }
}
`;

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
};
