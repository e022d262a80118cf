import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { TaskFolder } from '../../core/load/task/task-folder.ts'
import { cli, place, serve } from '../cli/setup.ts'
import { config, setup, task } from './task-files.ts'

/** The same folder after a restart of offpeak. */
async function restarted (t: Test, { directory, root }: { directory: string, root: string }) {
  const folder = new TaskFolder({
    directories: [{ path: directory, name: '.' }],
    dataFolder: join(root, 'data'),
    config: config(),
    files: 'once',
    keepsOwners: true,
    boundMs: 1500,
    onChange: () => undefined
  })
  t.teardown(() => folder.stop())
  await folder.start()
  await folder.stop()
  const { tasks, broken } = folder.current
  return { owner: tasks.get('same')?.source, broken: broken.map(({ file, message }) => ({ file, message })) }
}

async function first (t: Test) {
  const home = setup(t, { 'm.mjs': task('same') }, { keepsOwners: true })
  await home.folder.start()
  home.write('a.mjs', task('same', 2))
  await home.folder.rescan()
  await home.folder.stop()
  return home
}

tap.test('the file that had an id first keeps it through restarts', async t => {
  const home = await first(t)
  t.match(home.broken(), [{ file: 'a.mjs', code: 'OFFPEAK_TASK_DUPLICATE', message: 'in m.mjs and again in a.mjs' }])
  for (const again of [await restarted(t, home), await restarted(t, home)]) {
    t.equal(again.owner, 'm.mjs')
    t.match(again.broken, [{ file: 'a.mjs', message: 'in m.mjs and again in a.mjs' }])
  }
})

tap.test('renaming the file of an owner hands the id over, and that is remembered too', async t => {
  const home = await first(t)
  renameSync(join(home.directory, 'm.mjs'), join(home.directory, '0.mjs'))
  t.equal((await restarted(t, home)).owner, '0.mjs', 'by name')
  renameSync(join(home.directory, '0.mjs'), join(home.directory, 'z.mjs'))
  t.equal((await restarted(t, home)).owner, 'a.mjs')
  rmSync(join(home.directory, 'a.mjs'))
  t.match(await restarted(t, home), { owner: 'z.mjs', broken: [] })
})

tap.test('an owner that gives its id up hands it over', async t => {
  const home = await first(t)
  home.write('m.mjs', task('another'))
  t.match(await restarted(t, home), { owner: 'a.mjs', broken: [] })
})

tap.test('an owner that is broken after a restart keeps its id, and the other file is not used', async t => {
  const home = await first(t)
  home.write('m.mjs', 'export const = 1')
  const broken = await restarted(t, home)
  t.equal(broken.owner, undefined, 'no other code runs under the id')
  t.match(broken.broken.find(({ file }) => file === 'a.mjs')?.message, /belongs to m\.mjs, which cannot be read/)
  home.write('m.mjs', task('same', 3))
  t.equal((await restarted(t, home)).owner, 'm.mjs')
})

tap.test('a folder that cannot be read for a while takes no id away', {
  skip: process.getuid?.() === 0 && 'root reads everything'
}, async t => {
  const home = setup(t, { 'x/m.mjs': task('same') }, { keepsOwners: true })
  await home.folder.start()
  await home.folder.stop()
  home.write('a.mjs', task('same', 2))
  chmodSync(join(home.directory, 'x'), 0)
  t.equal((await restarted(t, home)).owner, undefined)
  chmodSync(join(home.directory, 'x'), 0o755)
  t.equal((await restarted(t, home)).owner, 'x/m.mjs')
})

tap.test('a look stores no owners', async t => {
  const home = setup(t, { 'm.mjs': task('same') })
  await home.folder.start()
  await home.folder.stop()
  t.notOk(existsSync(join(home.root, 'data/owners.json')))
})

tap.test('an unreadable list of owners is as good as none', async t => {
  const home = setup(t, {})
  home.write('../data/owners.json', '{ "same": 5, "x"')
  home.write('a.mjs', task('same'))
  t.match(await restarted(t, home), { owner: 'a.mjs', broken: [] })
  t.strictSame(JSON.parse(readFileSync(join(home.root, 'data/owners.json'), 'utf8')), { same: 'a.mjs' })
})

const SAME = (words: string) => `export default { id: 'same', func: () => '${words}' }`

tap.test('validate, tasks and health name the same owner of an id', async t => {
  const cwd = place(t, {}, { 'm.mjs': SAME('m') })
  const server = await serve(t, [], { cwd })
  server.child.kill('SIGTERM')
  await server.over
  const words = /a\.mjs:1: .*in m\.mjs and again in a\.mjs; the first one stays in force/
  writeFileSync(join(cwd, 'backgroundtask/a.mjs'), SAME('a'))
  t.match(await cli(['validate'], { cwd }), { code: 1, out: words })
  await serve(t, [], { cwd })
  t.match(await cli(['tasks'], { cwd }), { out: words })
  t.match(await cli(['validate'], { cwd }), { code: 1, out: words })
  t.match(JSON.parse((await cli(['health', '--json'], { cwd })).out), {
    broken: [{ where: /^a\.mjs/, code: 'OFFPEAK_TASK_DUPLICATE', fix: 'Give one of the two another id.' }]
  })
})
