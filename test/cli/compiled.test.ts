import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tidyCompiled } from '../../core/cli/local/compile-cache.ts'

t.test('compiled code is removed when too much of it is kept, not before', async t => {
  const folder = join(t.testdir({ kept: { a: '', b: '', c: '' } }), 'kept')
  await tidyCompiled(folder, 3)
  t.ok(existsSync(join(folder, 'a')))
  await tidyCompiled(folder, 2)
  t.notOk(existsSync(folder))
})

t.test('a start that keeps none has nothing to tidy', async t => {
  await t.resolves(tidyCompiled(undefined))
  await t.resolves(tidyCompiled(join(t.testdir(), 'gone')))
})
