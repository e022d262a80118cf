import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { directoriesOf, fileOfSource } from '../../core/load/task/directories.ts'
import { TaskFolder } from '../../core/load/task/task-folder.ts'
import { promptly } from '../promptly.ts'
import { scratch } from '../work/harness.ts'
import { config, task } from './task-files.ts'

const of = (...names: string[]) => config({ manager: { tasks_directories: names } })

/** A folder of tasks on these directories below a root, with these files. */
async function setup (t: Test, names: string[], files: Record<string, string>, watched = false) {
  const root = scratch(t)
  const write = (name: string, text: string) => writeFileSync(join(root, name), text)
  for (const name of ['one', 'two', 'one/deep', 'apart']) mkdirSync(join(root, name))
  write('package.json', '{"type":"module"}')
  for (const [name, text] of Object.entries(files)) write(name, text)
  const directories = directoriesOf(of(...names), root)
  const ask = { directories, dataFolder: join(root, 'data'), config: of(...names), onChange: () => undefined }
  const folder = new TaskFolder({ ...ask, files: watched ? 'watch' : 'once' })
  t.teardown(() => folder.stop())
  return { root, write, folder, directories, source: (id: string) => folder.current.tasks.get(id)?.source, ask }
}

tap.test('the files of several directories are named with their directory', async t => {
  const { root, folder, source, directories } = await setup(t, ['./one/', 'two'], {
    'one/a.mjs': task('a'),
    'one/deep/b.mjs': task('b'),
    'two/c.mjs': task('c'),
    'two/bad.mjs': 'export default 3'
  })
  await folder.start()
  t.strictSame(['a', 'b', 'c'].map(source), ['one/a.mjs', 'one/deep/b.mjs', 'two/c.mjs'])
  t.match(folder.current.broken, [{ file: 'two/bad.mjs' }])
  t.strictSame(['a', 'b', 'c'].map(id => fileOfSource(source(id)!, directories)),
    ['one/a.mjs', 'one/deep/b.mjs', 'two/c.mjs'].map(name => join(root, name)))
  t.match(fileOfSource('builtin:heartbeat.ts', directories), /backgroundtask\/heartbeat\.ts$/)
})

tap.test('the files of the only directory are named below it, by either setting', t => {
  const only = [{ path: '/r/jobs', name: '.' }]
  t.strictSame(directoriesOf(of('jobs'), '/r'), only)
  t.strictSame(directoriesOf(of('jobs', './jobs/'), '/r'), only)
  t.strictSame(directoriesOf(config({ manager: { tasks_directory: 'jobs' } }), '/r'), only)
  t.equal(fileOfSource('a/b.ts', only), '/r/jobs/a/b.ts')
  t.strictSame(directoriesOf(of('jobs', '/other/tasks', '../up'), '/r/s').map(({ path }) => path), ['/r/s/jobs',
    '/other/tasks', '/r/up'])
  t.end()
})

tap.test('a file that lies in two directories belongs to the first', async t => {
  const { folder, source } = await setup(t, ['one', 'one/deep'], { 'one/deep/b.mjs': task('b') })
  await folder.start()
  t.equal(source('b'), 'one/deep/b.mjs')
  t.strictSame(folder.current.broken, [])
})

tap.test('a directory that cannot be read is broken under its name, and the others are loaded', async t => {
  const { root, folder, source } = await setup(t, ['one', 'none', 'two'], {
    'one/a.mjs': task('a'),
    'two/c.mjs': task('c')
  })
  await folder.start()
  t.match(folder.current.broken, [{ file: 'none', message: `${root}/none does not exist` }])
  t.strictSame(['a', 'c'].map(source), ['one/a.mjs', 'two/c.mjs'])
  renameSync(join(root, 'two'), join(root, 'away'))
  await folder.rescan()
  t.equal(source('c'), 'two/c.mjs', 'the tasks of a folder that has vanished stay')
  t.strictSame(folder.current.broken.map(({ file }) => file), ['none', 'two'])
})

tap.test('two directories with the same id: the one that had it first keeps it, after a restart too', async t => {
  const { folder, source, write, ask } = await setup(t, ['one', 'two'], { 'two/c.mjs': task('same') })
  await folder.start()
  await folder.stop()
  write('one/a.mjs', task('same'))
  const keeping = new TaskFolder({ ...ask, files: 'once', keepsOwners: true })
  await keeping.start()
  await keeping.stop()
  t.equal(source('same'), 'two/c.mjs')
  t.equal(keeping.current.tasks.get('same')?.source, 'one/a.mjs', 'nothing was stored before')
  rmSync(join(ask.directories[0]!.path, 'a.mjs'))
  const again = new TaskFolder({ ...ask, files: 'once', keepsOwners: true })
  await again.start()
  write('one/a.mjs', task('same'))
  await again.rescan()
  await again.stop()
  t.equal(again.current.tasks.get('same')?.source, 'two/c.mjs')
  t.match(again.current.broken, [{ file: 'one/a.mjs', code: 'OFFPEAK_TASK_DUPLICATE' }])
})

tap.test('changes in each directory, and of what links lead to, take effect within two seconds', async t => {
  const { root, folder, source, write } = await setup(t, ['one', 'two'], {
    'apart/far.mjs': task('far'),
    'apart/.hidden.mjs': task('hidden'),
    'single.mjs': task('single')
  }, true)
  mkdirSync(join(root, 'elsewhere'))
  symlinkSync(join(root, 'apart'), join(root, 'one/apart'))
  symlinkSync(join(root, 'single.mjs'), join(root, 'two/single.mjs'))
  await folder.start()
  t.strictSame(['far', 'single', 'hidden'].map(source), ['one/apart/far.mjs', 'two/single.mjs', undefined])
  const within = (what: string, condition: () => boolean) => promptly(t, `${what} is in force`, condition)
  write('two/new.mjs', task('new'))
  await within('a file in the second', () => source('new') === 'two/new.mjs')
  write('apart/far.mjs', task('further'))
  await within('a file behind a link to its folder', () => source('further') === 'one/apart/far.mjs')
  write('single.mjs', task('couple'))
  await within('a file behind a link', () => source('couple') === 'two/single.mjs')
  write('single.tmp', task('trio'))
  renameSync(join(root, 'single.tmp'), join(root, 'single.mjs'))
  await within('a replaced file behind a link', () => source('trio') === 'two/single.mjs')
  write('elsewhere/late.mjs', task('late'))
  symlinkSync(join(root, 'elsewhere'), join(root, 'two/elsewhere'))
  await within('a new link', () => source('late') === 'two/elsewhere/late.mjs')
  write('elsewhere/late.mjs', task('later'))
  await within('a file behind the new link', () => source('later') === 'two/elsewhere/late.mjs')
})
