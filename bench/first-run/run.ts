import { execFileSync } from '../../test/child.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CONTENDERS } from './contenders.ts'
import { Place } from './measure.ts'
import { page } from './page.ts'
import type { Contender, Given } from './contenders.ts'
import type { Measured } from './measure.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The line of a failure that names what is missing, else the first that says error; without addresses. */
function reasonOf ({ message }: Error): string {
  const lines = message.split('\n')
  const line = lines.find(one => /not found/i.test(one)) ?? lines.find(one => /error/i.test(one)) ?? message
  return line.replaceAll(/https?:\/\/\S+\//g, '').trim()
}

async function once (contender: Contender, given: Given): Promise<Measured> {
  const parent = mkdtempSync(join(tmpdir(), 'offpeak-first-run-'))
  try {
    const place = new Place(parent)
    const failed = await contender.follow(place, given).then(() => null, (error: Error) => error)
    return place.measured(failed === null ? '' : reasonOf(failed))
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** Makes the package, which everybody else would have downloaded. */
function pack (folder: string): string {
  const out = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' })
  return join(folder, out.trim().split('\n').at(-1)!)
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    cronicle: { type: 'string', default: 'https://github.com/jhuckaby/Cronicle.git' },
    write: { type: 'boolean', default: false }
  }
})

const folder = mkdtempSync(join(tmpdir(), 'offpeak-package-'))
try {
  const given: Given = { tarball: pack(folder), cronicle: values.cronicle }
  const chosen = CONTENDERS.filter(({ name }) => values.only === undefined || name.includes(values.only))
  const rounds = new Map<Contender, Measured[]>(chosen.map(contender => [contender, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const contender of round % 2 === 0 ? chosen : chosen.toReversed()) {
      console.error(`${contender.name}, round ${round + 1}`)
      rounds.get(contender)!.push(await once(contender, given))
    }
  }
  const text = page([...rounds].map(([contender, measured]) => ({ ...contender, measured })))
  console.log(text)
  if (values.write) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), text)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
