// npm runs this before it makes the tarball of `npm pack` or `npm publish`.
import { build } from './build.ts'
import { ROOT, readManifest, replaceManifest, restoreCheckout } from './checkout.ts'
import { publishedManifest } from './manifest.ts'

// An earlier one may have been interrupted.
restoreCheckout()
const own = readManifest()
build(ROOT, own)
replaceManifest(publishedManifest(own))
