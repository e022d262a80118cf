import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { bytesOfName, nameFrom } from '../../backgroundtask/_files/names.ts'
import { TASK_DEFINITIONS } from '../../backgroundtask/cleanup_old_files.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'

const YEAR = 365 * 24 * 3600

function setup (t: Test, { old, ...payload }: { old: string[] } & Record<string, unknown>) {
  const root = t.testdir()
  for (const name of old) {
    const path = bytesOfName(join(root, name))
    mkdirSync(bytesOfName(dirname(join(root, name))), { recursive: true })
    writeFileSync(path, name)
    utimesSync(path, Date.now() / 1000 - YEAR, Date.now() / 1000 - YEAR)
  }
  return { root, ...fakeContext('cleanup_old_files', { root, dry_run: false, max_share: 1, ...payload }) }
}

const run = async (ctx: TaskContext) => await TASK_DEFINITIONS[0]!.func(ctx) as { removed: number }
const there = (root: string, path: string) => existsSync(bytesOfName(join(root, path)))

tap.test('nothing at or below an excluded path is removed, in any notation of the pattern [S25]', async t => {
  const inside = ['keep/a', 'keep/deep/er/b', 'keep/.hidden/c']
  for (const pattern of ['keep', 'keep/', './keep', './keep/', '/keep', 'keep/**', '**/keep', '**/keep/**', 'k*',
    'kee?', '[k]eep', 'keep/*']) {
    const { root, ctx } = setup(t, {
      old: [...inside, 'gone'],
      exclude: [pattern],
      include: ['**/*', '**/.hidden/*'],
      remove_empty_folders: true
    })
    mkdirSync(join(root, 'keep', 'void'))
    utimesSync(join(root, 'keep', 'void'), 1e9, 1e9)
    t.match(await run(ctx), { removed: 1 }, pattern)
    t.ok(inside.every(path => there(root, path)) && there(root, 'keep/void'), pattern)
  }
})

tap.test('a pattern of include cannot undo another', async t => {
  const { root, ctx } = setup(t, { old: ['keep/a', 'gone'], include: ['**/*', '!keep/**'] })
  await t.rejects(run(ctx), {
    name: 'Fatal',
    message: /include in config.json: '!keep\/\*\*' cannot undo a pattern; list what stays in .*exclude/
  })
  t.ok(there(root, 'keep/a') && there(root, 'gone'))
})

tap.test('an exclusion may be an absolute path', async t => {
  const { root, ctx } = setup(t, { old: ['keep/a', 'gone'] })
  t.match(await run({ ...ctx, payload: { ...ctx.payload as object, exclude: [join(root, 'keep')] } }), { removed: 1 })
  t.same(readdirSync(root), ['keep'])
})

tap.test('a file whose name is not UTF-8 is removed, unless it is excluded', {
  skip: process.platform !== 'linux'
}, async t => {
  const [one, two] = ['caf\xe9', 'caf\xe8'].map(name => nameFrom(Buffer.from(name, 'latin1')))
  const { root, ctx } = setup(t, { old: [one!, two!, `${one}-folder/a`], exclude: ['caf\\xe8'] })
  t.match(await run(ctx), { removed: 2 })
  t.same([one!, two!, `${one}-folder/a`].map(path => there(root, path)), [false, true, false])
})

tap.test('an invalid exclusion fails the run before any file is removed', async t => {
  const { root, ctx } = setup(t, { old: ['a'], exclude: ['!(a)'] })
  await t.rejects(run(ctx), { name: 'Fatal', message: /payload\.exclude in config\.json/ })
  t.same(readdirSync(root), ['a'])
})
