import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const UNRELEASED = '## [Unreleased]'

/** The changelog with what was unreleased under a version and its date. Throws when nothing is unreleased. */
export function released (changelog: string, version: string, date: string): string {
  const [before, after] = changelog.split(`${UNRELEASED}\n`) as [string, string?]
  if (after === undefined || !after.trimStart().startsWith('### ')) throw new Error('Nothing is unreleased')
  return `${before}${UNRELEASED}\n\n## [${version}] - ${date}\n${after}`
}

// `npm version minor` calls this once it has written the new version into package.json.
if (import.meta.main) {
  const file = join(ROOT, 'CHANGELOG.md')
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  writeFileSync(file, released(readFileSync(file, 'utf8'), version, new Date().toISOString().slice(0, 10)))
}
