import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { place, serve } from './setup.ts'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { ownCompileCache, pruneCompileCache } from '../../core/cli/serve/compile-cache.ts'

t.test('the compile cache is removed only when it is too large', async t => {
  const folder = join(t.testdir({ kept: { a: '', b: '', c: '' } }), 'kept')
  await pruneCompileCache(folder, 3)
  t.ok(existsSync(join(folder, 'a')))
  await pruneCompileCache(folder, 2)
  t.notOk(existsSync(folder))
})

t.test('a start without a compile cache has nothing to prune', async t => {
  await t.resolves(pruneCompileCache(undefined))
  await t.resolves(pruneCompileCache(join(t.testdir(), 'gone')))
})

t.test('a compile cache that the environment names is not pruned: other programs may share it', async t => {
  enableCompileCache(t.testdir())
  t.equal(ownCompileCache({}), getCompileCacheDir())
  t.equal(ownCompileCache({ NODE_COMPILE_CACHE: '/var/cache/node' }), undefined)
})

t.test('a server that ends keeps what it has compiled for the next start', async t => {
  const [cwd, cache] = [place(t), t.testdir()]
  const { child, over } = await serve(t, [], { cwd, env: { NODE_COMPILE_CACHE: cache } })
  const files = () => readdirSync(cache, { recursive: true }).length
  const before = files()
  child.kill('SIGTERM')
  t.equal(await over, 0)
  t.ok(files() > before + 500, `${before} files, then ${files()}`)
})
