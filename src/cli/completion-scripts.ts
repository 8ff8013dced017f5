/** The scripts that a shell reads once. Each asks `assay completion SHELL -- WORDS` at a press of the tab key. */

/** readline breaks words at `:`, `@` and `=`, which names of stages have: the word is taken from the line, and cut to fit. */
const bash = `# assay: completion for bash. In ~/.bashrc: source <(assay completion bash)
_assay() {
  local line=\${COMP_LINE:0:COMP_POINT} part=\${COMP_WORDS[COMP_CWORD]} candidate prefix
  local -a words
  read -ra words <<<"$line"
  case $line in *[[:space:]]) words+=('') ;; esac
  case $part in [:@=]) part='' ;; esac
  prefix=\${words[\${#words[@]}-1]}
  prefix=\${prefix%"$part"}
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    COMPREPLY+=("\${candidate#"$prefix"}")
  done < <(assay completion bash -- "\${words[@]}" 2>/dev/null </dev/null)
}
complete -o bashdefault -o default -F _assay assay
`

const zsh = `#compdef assay
# assay: completion for zsh. In ~/.zshrc, after compinit: source <(assay completion zsh)
_assay() {
  local -a candidates
  local line
  while IFS= read -r line; do
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(assay completion zsh -- "\${(@)words[1,CURRENT]}" 2>/dev/null </dev/null)
  if (( \${#candidates} )); then _describe -V assay candidates; else _files; fi
}
compdef _assay assay
`

const fish = `# assay: completion for fish. assay completion fish > ~/.config/fish/completions/assay.fish
function __assay_complete
  set -l found (assay completion fish -- (commandline -opc) (commandline -ct) 2>/dev/null </dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c assay -f -a '(__assay_complete)'
`

export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish }
