import '../child.ts'
import tap from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { TaskFolder, loadTasks } from '../../core/load/task/task-folder.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { until } from '../clock.ts'
import { promptly, stopwatch } from '../promptly.ts'

const good = (id: string) => `export default { id: '${id}', func: () => 1 }`
const HANGING = ['while (true) ;', 'await new Promise(() => setInterval(() => 1, 1000))',
  'await new Promise(() => undefined)']
const BOUND_MS = 12_000

/** Files that hang before good ones, in the order of their names. */
function setup (t: Test, boundMs: number) {
  const root = t.testdir({})
  const directory = join(root, 'tasks')
  mkdirSync(directory)
  for (const [n, text] of HANGING.entries()) writeFileSync(join(directory, `a${n}.mjs`), text)
  for (let n = 0; n < 9; n++) writeFileSync(join(directory, `good${n}.mjs`), good(`good${n}`))
  return {
    directory,
    directories: [{ path: directory, name: '.' }],
    dataFolder: join(root, 'data'),
    config: defaultsOf(),
    boundMs
  }
}

tap.test(
  'files that hang at import delay no other, at the start and later, and are named when their time is over [F34]',
  { timeout: 240_000 },
  async t => {
    const ask = setup(t, BOUND_MS)
    const folder = new TaskFolder({ ...ask, onChange: () => undefined })
    t.teardown(() => folder.stop())
    const elapsed = stopwatch()
    await folder.start()
    t.equal(folder.current.tasks.size, 9, 'all good ones are in force')
    t.strictSame(folder.current.broken, [], 'nobody has waited for the others')
    t.strictSame(folder.current.coming.toSorted(), ['a0.mjs', 'a1.mjs', 'a2.mjs'], 'and it is known which they are')
    t.ok(elapsed() < BOUND_MS, 'not even for one')
    writeFileSync(join(ask.directory, 'fresh.mjs'), good('fresh'))
    await folder.rescan()
    await promptly(t, 'a new file is in force', () => folder.current.tasks.has('fresh'), BOUND_MS / 2)
    await until('those that hang are named', () => folder.current.broken.length === HANGING.length)
    t.match(
      folder.current.broken.map(({ file, message }) => ({ file, message })).toSorted((a, b) =>
        a.file < b.file ? -1 : 1
      ),
      HANGING.map((_, n) => ({ file: `a${n}.mjs`, message: /is not imported after 12 s/ }))
    )
    t.equal(folder.current.tasks.size, 10)
    t.strictSame(folder.current.coming, [])
  }
)

tap.test('a slow file is in force as soon as its import ends [F34]', { timeout: 240_000 }, async t => {
  const ask = setup(t, BOUND_MS)
  writeFileSync(join(ask.directory, 'a0.mjs'), `await new Promise(done => setTimeout(done, 1500))\n${good('slow')}`)
  const folder = new TaskFolder({ ...ask, onChange: () => undefined })
  t.teardown(() => folder.stop())
  await folder.start()
  await until('it is in force', () => folder.current.tasks.has('slow'))
})

tap.test('a single scan waits for all files together [F34]', { timeout: 240_000 }, async t => {
  const { tasks, broken } = await loadTasks(setup(t, 2000))
  t.equal(tasks.size, 9)
  t.strictSame(broken.map(({ file }) => file).toSorted(), ['a0.mjs', 'a1.mjs', 'a2.mjs'])
})
