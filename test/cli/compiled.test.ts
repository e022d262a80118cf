import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pruneCompileCache } from '../../core/cli/serve/compile-cache.ts'

t.test('compiled code is removed when too much of it is kept, not before', async t => {
  const folder = join(t.testdir({ kept: { a: '', b: '', c: '' } }), 'kept')
  await pruneCompileCache(folder, 3)
  t.ok(existsSync(join(folder, 'a')))
  await pruneCompileCache(folder, 2)
  t.notOk(existsSync(folder))
})

t.test('a start that keeps none has nothing to tidy', async t => {
  await t.resolves(pruneCompileCache(undefined))
  await t.resolves(pruneCompileCache(join(t.testdir(), 'gone')))
})
