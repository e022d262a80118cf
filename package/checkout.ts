import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Manifest } from './manifest.ts'

/** The folder of the checkout. */
export const ROOT = resolve(import.meta.dirname, '..')
const MANIFEST = join(ROOT, 'package.json')
/** The checkout's own package.json while npm makes the tarball. */
const KEPT = join(import.meta.dirname, 'package.json.kept')

/** The checkout's package.json. */
export const readManifest = (): Manifest => JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest

/** Puts the manifest of the tarball in the place of the checkout's, which is kept. */
export function replaceManifest (published: Manifest): void {
  renameSync(MANIFEST, KEPT)
  writeFileSync(MANIFEST, `${JSON.stringify(published, null, 2)}\n`)
}

/** Makes the checkout what it was; nothing happens when it is. */
export function restoreCheckout (): void {
  if (existsSync(KEPT)) renameSync(KEPT, MANIFEST)
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true })
}
