import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CONTROLS, FAULTS, type Scenario } from '../../explanation/scenarios.ts'
import { generatedFrom, table } from './markdown.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

const INTRO = `# Reliability

This page lists the faults that were provoked, and the tests that prove what happens then. The names of these tests
end with the ids: \`npm test -- --grep '/\\[.*F06/'\` runs the tests of one id. A row without a test says why.`

/** A test that names scenarios: its file, its name without the ids, and the ids. */
export interface Proof {
  file: string
  name: string
  ids: string[]
}

const NAMED = /\btest\(\s*(['`])((?:(?!\1).)+) \[((?:[FS]\d{2}(?:, )?)+)\]\1/g

/** Every test whose name ends with ids of scenarios, in the order of files and lines. */
export function proofs (root = ROOT): Proof[] {
  return globSync('test/**/*.ts', { cwd: root }).toSorted().flatMap(file =>
    [...readFileSync(join(root, file), 'utf8').matchAll(NAMED)].map(([, , name, ids]) => ({
      file: file.replaceAll('\\', '/'),
      // A number that a test puts into its name is not known here.
      name: name!.replaceAll(/\$\{\w+\} ?/g, ''),
      ids: ids!.split(', ')
    }))
  )
}

const linkTo = ({ file, name }: Proof): string => `[${name}](../../${file})`

/** The rows of a table of scenarios with what proves each. */
function rows (scenarios: readonly Scenario[], all: readonly Proof[]): string[][] {
  return scenarios.map(({ id, what, holds, open }) => {
    const here = all.filter(proof => proof.ids.includes(id)).map(linkTo)
    return [id, what, holds, here.length === 0 ? open ?? '' : here.join(' · ')]
  })
}

/** The page of all scenarios, with the tests that prove them. */
export function reliabilityPage (): string {
  const all = proofs()
  return [
    INTRO,
    generatedFrom('docs/explanation/scenarios.ts and the names of the tests'),
    '## Faults',
    table(['id', 'what happens', 'what holds', 'proved by'], rows(FAULTS, all)),
    '## Controls',
    table(['id', 'control', 'what holds', 'proved by'], rows(CONTROLS, all))
  ].join('\n\n') + '\n'
}
