import { chmodSync, chownSync, lchownSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync,
  writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { changedBy, isRefused, replacedBy, seenBy } from '../../core/load/file/modes.ts'
import { exposures } from '../../core/load/file/exposures.ts'
import { loadConfig } from '../../core/load/config/config.ts'
import { setup, task } from './task-files.ts'

const OWN = { uid: 1000, gid: 1000 }
const file = (mode: number, uid = 1000, gid = 1000) => ({ uid, gid, mode })

tap.test('root and the own user may change a file, others are reported', async t => {
  t.equal(changedBy(file(0o644), OWN), null)
  t.equal(changedBy(file(0o755, 0, 0), OWN), null)
  t.equal(changedBy(file(0o664), OWN), null, 'a group of its own')
  t.equal(changedBy(file(0o664, 1000, 0), OWN), null, 'the group of root')
  t.same(changedBy(file(0o666), OWN), { by: 'everybody' })
  t.same(changedBy(file(0o600, 1001), OWN), { by: 'user', uid: 1001 })
  t.same(changedBy(file(0o600, 1000), { uid: 0, gid: 0 }), { by: 'user', uid: 1000 }, 'root executes nothing of a user')
  t.same(changedBy(file(0o664, 1000, 50), OWN), { by: 'group', gid: 50 })
  t.equal(changedBy(file(0o777, 7), null), null, 'a system without modes')
  t.same([isRefused({ by: 'everybody' }), isRefused({ by: 'user', uid: 1 }), isRefused({ by: 'group', gid: 1 })], [true,
    true, false])
})

tap.test('the sticky bit prevents others from replacing entries of a folder', async t => {
  t.same(replacedBy(file(0o777), OWN), { by: 'everybody' })
  t.equal(replacedBy(file(0o1777), OWN), null)
  t.equal(replacedBy(file(0o1775, 1000, 50), OWN), null)
  t.same(replacedBy(file(0o1777, 1001), OWN), { by: 'user', uid: 1001 })
})

tap.test('others who may read a secret are reported', async t => {
  t.equal(seenBy(file(0o600), OWN), null)
  t.same(seenBy(file(0o604), OWN), { by: 'everybody' })
  t.same(seenBy(file(0o640, 1000, 50), OWN), { by: 'group', gid: 50 })
  t.equal(seenBy(file(0o640), OWN), null)
})

const open = { skip: process.platform === 'win32' && 'no modes' }
const foreign = { skip: process.getuid?.() !== 0 && 'only root can give files away' }

tap.test('every folder and link on the way to a file is checked [S35]', open, async t => {
  const root = t.testdir({ a: { b: { f: '' } }, there: { f: '' } })
  const at = join(root, 'a/b/f')
  t.same(await exposures(at), [])
  chmodSync(join(root, 'a'), 0o777)
  t.match(await exposures(at), [{ at: join(root, 'a'), weight: 'refused', fix: `chmod o-w '${join(root, 'a')}'` }])
  t.match(await exposures(join(root, 'a/none')), [{ at: join(root, 'a') }], 'what is not there yet can be put there')
  chmodSync(join(root, 'a'), 0o1777)
  t.same(await exposures(at), [])
  chmodSync(join(root, 'there'), 0o777)
  rmSync(join(root, 'a/b'), { recursive: true })
  symlinkSync(join(root, 'there'), join(root, 'a/b'))
  t.match(await exposures(at), [{ at: join(root, 'there') }])
  chmodSync(join(root, 'there'), 0o755)
  t.same(await exposures(at), [])
  symlinkSync('loop', join(root, 'a/loop'))
  t.same(await exposures(join(root, 'a/loop/f')), [], 'a loop comes to an end')
})

tap.test('a link, a folder or a file of another user is not trusted [S35]', foreign, async t => {
  const root = t.testdir({ a: { f: '' } })
  symlinkSync(join(root, 'a'), join(root, 'l'))
  lchownSync(join(root, 'l'), 65_534, 65_534)
  t.match(await exposures(join(root, 'l/f')), [{ at: join(root, 'l'), message: 'its owner, user 65534' }])
  chownSync(join(root, 'a/f'), 65_534, 65_534)
  t.match(await exposures(join(root, 'a/f')), [{ weight: 'refused', fix: `chown 0 '${join(root, 'a/f')}'` }])
  t.same(await exposures(join(root, 'a/f'), { uid: 65_534, gid: 65_534 }), [], 'its own user may')
})

tap.test('the command for a file with quotes in its name can be copied', open, async t => {
  const root = t.testdir({ "it's": '' })
  chmodSync(join(root, "it's"), 0o666)
  t.match(await exposures(join(root, "it's")), [{ fix: `'${join(root, "it'\\''s")}'` }])
})

tap.test('a configuration that others can change is refused, except by commands that only send requests [F40]', open,
  async t => {
    const root = t.testdir({ 'config.json': '{}', 'config.production.json': '{ "server": { "port": 1 } }' })
    const ask = { file: join(root, 'config.json'), environment: 'production', trust: 'required' as const }
    t.equal((await loadConfig(ask)).config.server.port, 1)
    for (const name of ['config.json', 'config.production.json']) {
      chmodSync(join(root, name), 0o666)
      await t.rejects(loadConfig(ask), { code: 'OFFPEAK_CONFIG_EXPOSED', fix: `chmod o-w '${join(root, name)}'` })
      t.equal((await loadConfig({ ...ask, trust: undefined })).config.server.port, 1)
      chmodSync(join(root, name), 0o644)
    }
    chmodSync(root, 0o777)
    await t.rejects(loadConfig(ask), { code: 'OFFPEAK_CONFIG_EXPOSED' })
    rmSync(ask.file)
    await t.rejects(loadConfig(ask), { code: 'OFFPEAK_CONFIG_EXPOSED' }, 'nor is one taken that others could make')
  })

tap.test('a file that others can change cannot accept loose files', open, async t => {
  const reason = 'the whole disk is vfat'
  const root = t.testdir({ 'config.json': JSON.stringify({ security: { accept_loose_files: reason } }) })
  const ask = { file: join(root, 'config.json'), trust: 'required' as const }
  chmodSync(ask.file, 0o666)
  await t.rejects(loadConfig(ask), { code: 'OFFPEAK_CONFIG_EXPOSED' })
  const { config } = await loadConfig({ ...ask, env: { OFFPEAK_SECURITY__ACCEPT_LOOSE_FILES: reason } })
  t.equal(config.security.accept_loose_files, reason)
})

tap.test('a module is not loaded while others can change what it imports', open, async t => {
  const { directory, folder, write, answer, broken } = setup(t, {
    'a.ts': `import { one } from './_lib/one.ts'\n${task('a', 1)}\nvoid one`,
    '_lib/one.ts': "export { two as one } from './two.ts'",
    '_lib/two.ts': 'export const two = 2',
    'b.ts': task('b', 2)
  })
  chmodSync(join(directory, '_lib/two.ts'), 0o666)
  await folder.start()
  t.same([...folder.current.tasks.keys()], ['b'], 'its neighbour is')
  t.match(broken(), [{ file: 'a.ts', message: '_lib/two.ts', fix: 'chmod o-w' }])
  chmodSync(join(directory, '_lib/two.ts'), 0o644)
  await folder.rescan()
  t.equal(answer('a'), 1)
  chmodSync(join(directory, '_lib'), 0o777)
  await folder.rescan()
  t.match(broken(), [{ file: 'a.ts', message: '_lib' }])
  chmodSync(join(directory, '_lib'), 0o755)
  await folder.rescan()
  t.same(broken(), [])
  mkdirSync(join(directory, 'node_modules/pack'), { recursive: true })
  writeFileSync(join(directory, 'node_modules/pack/package.json'), '{ "type": "module", "exports": "./i.js" }')
  writeFileSync(join(directory, 'node_modules/pack/i.js'), 'export const one = 1')
  chmodSync(join(directory, 'node_modules/pack'), 0o777)
  write('c.ts', `import { one } from 'pack'\n${task('c', 1)}\nvoid one`)
  await folder.rescan()
  t.match(broken(), [{ file: 'c.ts', message: 'node_modules/pack' }])
})

tap.test('modules loaded by other means than an import are checked, and so is the package.json above', open,
  async t => {
    const loads = [
      `import { createRequire } from 'node:module'\nvoid createRequire(import.meta.url)('./_lib/x.cjs')`,
      `const where = './_lib/x.cjs'\nawait import(where)`,
      `import { Worker } from 'node:worker_threads'\nvoid (() => new Worker(new URL('./_lib/x.cjs', import.meta.url)))`,
      'await import(`./_lib/x.cjs`)'
    ]
    const { directory, folder, write, broken } = setup(t, { '_lib/x.cjs': 'module.exports = 1' })
    loads.forEach((load, index) => write(`a${index}.ts`, `${load}\n${task(`a${index}`, 1)}`))
    chmodSync(join(directory, '_lib/x.cjs'), 0o666)
    await folder.start()
    t.same(
      broken().map(({ file: name, message }) => [name, /_lib\/x\.cjs can be changed by every user/.test(message)])
        .toSorted(),
      loads.map((_, index) => [`a${index}.ts`, true])
    )
    chmodSync(join(directory, '_lib/x.cjs'), 0o644)
    const above = join(directory, '../package.json')
    t.teardown(() => rmSync(above, { force: true }))
    writeFileSync(above, '{ "type": "module" }')
    chmodSync(above, 0o666)
    await folder.rescan()
    t.match(broken()[0], { message: 'package.json can be changed by every user' })
    chmodSync(above, 0o644)
    await folder.rescan()
    t.same(broken(), [])
  })

tap.test('a task file of another user is not loaded', foreign, async t => {
  const { directory, folder, broken } = setup(t, { 'a.ts': task('a', 1), 'b.ts': task('b', 2) })
  chownSync(join(directory, 'a.ts'), 65_534, 65_534)
  await folder.start()
  t.same([...folder.current.tasks.keys()], ['b'])
  t.match(broken(), [{ file: 'a.ts', fix: 'chown 0' }])
  chownSync(directory, 65_534, 65_534)
  await folder.rescan()
  t.match(broken().map(({ file: name }) => name), ['.'], 'nor is a folder of another')
})

tap.test('a tasks directory that others can replace is not read', open, async t => {
  const { directory, folder, broken } = setup(t, { 'a.ts': task('a', 1) })
  const up = join(directory, '..', 'up')
  mkdirSync(up)
  t.teardown(() => {
    chmodSync(up, 0o755)
    renameSync(join(up, 'tasks'), directory)
  })
  t.ok(readFileSync(join(directory, 'a.ts')))
  renameSync(directory, join(up, 'tasks'))
  symlinkSync(join(up, 'tasks'), directory)
  t.teardown(() => rmSync(directory))
  chmodSync(up, 0o777)
  await folder.start()
  t.match(broken(), [{ file: '.', message: 'can be replaced by every user' }])
})

tap.test('the modes of a device are not to be changed', foreign, async t => {
  const [found] = await exposures('/dev/null')
  t.match(found, { weight: 'refused', fix: /^Name a file or folder instead/ })
})
