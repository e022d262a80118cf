# Functions for the commands of the pages. BIN: the program. PACKAGES: the node_modules of the checkout.
# CURL: empty if curl is not installed. STAND_IN: replaces it.
set -euo pipefail
# Commands of the pages run without the hooks of tap.
unset NODE_OPTIONS

started () {
  local log pid; local -a data=()
  case " $* " in *' --data '*|*' --demo '*) ;; *) data=(--data "$HOME/started") ;; esac
  log=$(mktemp -p "$HOME")
  node "$BIN" "$@" --port 0 "${data[@]}" >/dev/null 2>"$log" &
  pid=$!
  until grep -q 'answers at' "$log"; do kill -0 "$pid" || { cat "$log"; return 1; }; sleep 0.05; done
  kill -TERM "$pid"
  wait "$pid"
}

offpeak () {
  case " $* " in
    *' --display-only '*) node "$BIN" "$@" ;;
    ' start '*) started "$@" ;;
    *) node "$BIN" "$@" ;;
  esac
}

npm () {
  case "$*" in
    ci|test) ;;
    start) offpeak start ;;
    'start -- '*) shift 2; offpeak start "$@" ;;
    # What a page installs is there already.
    install*) local word; for word in "${@:2}"; do [[ $word == -* || -d $PACKAGES/$word ]]; done ;;
    *) echo "npm $* must not be skipped" >&2; return 1 ;;
  esac
}

npx () { node "$PACKAGES/.bin/$1" "${@:2}"; }

# Beside npm ci and npm test, only systemctl and docker are not executed.
systemctl () { :; }
docker () { :; }

curl () { if [ -n "$CURL" ]; then command curl -sS --fail-with-body "$@"; else node "$STAND_IN" "$@"; fi; }
