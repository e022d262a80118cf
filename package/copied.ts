import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Packages of which offpeak needs one file, and that file: the tarball has a copy of it. cronstrue alone has 1.3 MB,
 *  of which 1.2 MB are other languages. */
export const COPIED: Readonly<Record<string, string>> = { cronstrue: 'dist/cronstrue.js' }

/** Copies these files with their licences into `dist/copied`, and makes the compiled code import them there. */
export function copyPackages (root: string, dist: string): void {
  const target = join(dist, 'copied')
  mkdirSync(target, { recursive: true })
  for (const [name, file] of Object.entries(COPIED)) {
    const from = join(root, 'node_modules', name)
    copyFileSync(join(from, file), join(target, `${name}.cjs`))
    copyFileSync(join(from, 'LICENSE'), join(target, `${name}.LICENSE`))
    for (const importer of globSync('**/*.js', { cwd: dist })) {
      const path = join(dist, importer)
      const text = readFileSync(path, 'utf8')
      const own = relative(dirname(path), join(target, `${name}.cjs`))
      const changed = text.replaceAll(`from '${name}'`, `from '${own}'`)
      if (changed !== text) writeFileSync(path, changed)
    }
  }
}
