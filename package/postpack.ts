// npm runs this after it has made the tarball.
import { restoreCheckout } from './checkout.ts'

restoreCheckout()
