# Functions for the commands of tutorials. PACKAGES: those of the checkout. CHECKOUT: its folder.
# Commands of the pages run without the hooks of tap.
unset NODE_OPTIONS

# Packages are linked instead of downloaded.
npm () {
  [ "$1" = install ] || { echo "npm $* must not be skipped" >&2; return 1; }
  mkdir -p node_modules
  ln -sfn "$PACKAGES"/fastify "$PACKAGES"/fastify-plugin "$PACKAGES"/typebox "$PACKAGES"/@types node_modules/
  ln -sfn "$CHECKOUT" node_modules/offpeak
}

curl () { command curl -sS "$@"; }
