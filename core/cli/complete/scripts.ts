/** What a shell runs to complete a word: the words so far are the arguments after `--`, the last one is incomplete. */
export const COMPLETION_SCRIPTS: Record<string, string> = {
  // Bash takes `:` and `=` for words of their own, and replaces only what follows them.
  bash: `_offpeak () {
  local IFS=$'\\n' word joined="" glued="" words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ $word == [:=] || $glued ]] && (( \${#words[@]} )); then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    glued=""
    [[ $word == [:=] ]] && glued=1
  done
  (( \${#words[@]} )) || words=("")
  joined=\${words[-1]}
  COMPREPLY=($(offpeak completion words -- "\${words[@]}" 2> /dev/null))
  COMPREPLY=("\${COMPREPLY[@]#"\${joined%"\${joined##*[:=]}"}"}")
}
complete -o default -F _offpeak offpeak`,
  // The file can be sourced, and can be a file named _offpeak on the fpath.
  zsh: `#compdef offpeak
_offpeak () {
  local -a found
  found=("\${(@f)$(offpeak completion described -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  # _describe takes word:description.
  found=("\${(@)found//:/\\:}")
  found=("\${(@)found/$'\t'/:}")
  if [[ -z $found ]]; then
    _files
  else
    _describe -V offpeak found
  fi
}
if [[ \${funcstack[1]} == _offpeak ]]; then
  _offpeak
elif (( \${+functions[compdef]} )); then
  compdef _offpeak offpeak
else
  autoload -Uz compinit && compinit && compdef _offpeak offpeak
fi`,
  fish:
    `complete -c offpeak -a '(offpeak completion described -- (commandline -opc)[2..] (commandline -ct) 2> /dev/null)'`
}
