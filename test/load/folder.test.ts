import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { defaultsOf } from '../../core/model/config/config.ts'
import type { FolderChange } from '../../core/load/task/task-folder.ts'
import { TaskFolder } from '../../core/load/task/task-folder.ts'
import { scratch } from '../work/harness.ts'
import { promptly } from '../promptly.ts'
import { until } from './until.ts'

const task = (id: string, timeout = 1) => `export default { id: '${id}', func () {}, timeout: ${timeout} }\n`

async function setup (t: Test, prepare: (root: string) => void = () => undefined) {
  const root = scratch(t)
  const directory = join(root, 'tasks')
  mkdirSync(directory)
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(join(directory, 'a.ts'), task('a'))
  const changes: FolderChange[] = []
  prepare(root)
  const folder = new TaskFolder({
    directories: [{ path: directory, name: '.' }],
    dataFolder: join(root, 'data'),
    config: defaultsOf(),
    onChange: change => {
      changes.push(change)
    }
  })
  t.teardown(() => folder.stop())
  await folder.start()
  const timeout = (id: string) => folder.current.tasks.get(id)?.timeoutMs
  return {
    directory,
    folder,
    changes,
    timeout,
    write: (name: string, text: string) => writeFileSync(join(directory, name), text)
  }
}

tap.test('files that are added, changed, moved and removed take effect within two seconds', async t => {
  const { directory, write, timeout, folder } = await setup(t)
  const within = (what: string, condition: () => boolean) => promptly(t, `${what} is in force`, condition)
  write('b.ts', task('b'))
  await within('an added file', () => timeout('b') === 1000)
  write('a.ts', task('a', 2))
  await within('a changed file', () => timeout('a') === 2000)
  mkdirSync(join(directory, 'jobs'))
  renameSync(join(directory, 'b.ts'), join(directory, 'jobs', 'b.ts'))
  await within('a moved file', () => folder.current.tasks.get('b')?.source === 'jobs/b.ts')
  writeFileSync(join(directory, '.fresh'), task('a', 3))
  renameSync(join(directory, '.fresh'), join(directory, 'a.ts'))
  await within('a replaced file', () => timeout('a') === 3000)
  rmSync(join(directory, 'a.ts'))
  await within('a removed file', () => timeout('a') === undefined)
})

tap.test('a broken version is reported and repaired within two seconds, and the task stays', async t => {
  const { write, timeout, folder, changes } = await setup(t)
  write('a.ts', 'export default {')
  await promptly(t, 'it is broken', () => folder.current.broken.length > 0)
  t.equal(timeout('a'), 1000)
  write('a.ts', task('a', 4))
  await promptly(t, 'it is mended', () => timeout('a') === 4000)
  t.same(folder.current.broken, [])
  t.same(changes.flatMap(({ removed }) => removed), [])
})

tap.test('a stopped folder reads nothing, and finds changes when it starts again', async t => {
  const { write, timeout, folder } = await setup(t)
  await folder.stop()
  write('a.ts', task('a', 5))
  await folder.rescan()
  t.equal(timeout('a'), 1000)
  await folder.start()
  await until(() => timeout('a') === 5000)
  t.equal(timeout('a'), 5000)
})

tap.test('a tasks directory that is a link or does not exist yet is watched too', async t => {
  const linked = await setup(t, root => {
    renameSync(join(root, 'tasks'), join(root, 'real'))
    symlinkSync('real', join(root, 'tasks'))
  })
  linked.write('b.ts', task('b'))
  await promptly(t, 'a file below the link is there', () => linked.timeout('b') === 1000)
  await t.test('one that is created later', async inner => {
    const late = await setup(inner, root => rmSync(join(root, 'tasks'), { recursive: true }))
    inner.match(late.folder.current.broken, [{ message: 'does not exist' }])
    mkdirSync(late.directory)
    late.write('c.ts', task('c'))
    await promptly(inner, 'a file of the new directory is there', () => late.timeout('c') === 1000)
  })
  t.equal(linked.timeout('b'), 1000)
})
