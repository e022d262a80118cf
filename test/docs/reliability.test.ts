import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONTROLS, FAULTS } from '../../docs/explanation/scenarios.ts'
import { proofs } from '../../docs/reference/pages/reliability.ts'
import { ROOT, textOf } from './blocks.ts'

const ALL = [...FAULTS, ...CONTROLS]
const PROOFS = proofs()

t.test('every scenario is proved by a test, or says why not', async t => {
  const proved = new Set(PROOFS.flatMap(({ ids }) => ids))
  t.strictSame(
    ALL.filter(({ id, open }) => !proved.has(id) && open === undefined).map(({ id, what }) => `${id} ${what}`),
    []
  )
  t.strictSame(ALL.filter(({ id, open }) => proved.has(id) && open !== undefined).map(({ id }) => id), [],
    'and not both')
})

t.test('the ids of scenarios are F01 to F56 and S01 to S45, and tests name no other', async t => {
  const known = ALL.map(({ id }) => id)
  t.equal(known[0], 'F01')
  t.equal(FAULTS.at(-1)!.id, 'F56')
  t.equal(CONTROLS.at(-1)!.id, 'S45')
  t.strictSame(PROOFS.filter(({ ids }) => ids.some(id => !known.includes(id))), [])
})

t.test('no two tests that prove something have the same name in a file', async t => {
  const names = PROOFS.map(({ file, name }) => `${file} ${name}`)
  t.strictSame(names.filter((name, at) => names.indexOf(name) !== at), [])
})

t.test('the documents say that isolation is not a sandbox [S44]', async t => {
  t.match(textOf('README.md'), /\ba sandbox: a task may do everything that the user of offpeak may do/)
  t.match(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8'), /not a sandbox/)
})
