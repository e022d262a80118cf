import { chmodSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from '../child.ts'
import { join } from 'node:path'
import tap from 'tap'
import { walk } from '../../core/load/task/walk.ts'

const paths = async (root: string) => (await walk(root)).files.map(({ path }) => path)
const faults = async (root: string) =>
  Object.fromEntries([...(await walk(root)).faults].map(([path, error]) => [path, error.message]))

tap.test('files are found in folders, in the order of their paths', async t => {
  const root = t.testdir({ 'b.ts': '', 'a.ts': '', jobs: { 'c.sh': '', deeper: { 'd.mjs': '' } } })
  t.same(await paths(root), ['a.ts', 'b.ts', 'jobs/c.sh', 'jobs/deeper/d.mjs'])
  t.same(await faults(root), {})
})

tap.test('hidden files, helpers, tests, declarations and packages are skipped', async t => {
  const root = t.testdir({
    '.x.ts': '',
    '_x.ts': '',
    'x.test.ts': '',
    'x.d.ts': '',
    'x.d.mts': '',
    node_modules: { 'x.ts': '' },
    _lib: { 'x.ts': '' },
    '.git': { 'x.ts': '' },
    'x.ts': ''
  })
  t.same(await paths(root), ['x.ts'])
})

tap.test('links are followed once, and never to a folder above [F37, S36]', async t => {
  const root = t.testdir({ 'a.ts': '', '.versions': { 'b.ts': '' }, jobs: { 'c.ts': '' } })
  const outside = t.testdirName + '-outside'
  mkdirSync(outside, { recursive: true })
  t.teardown(() => execFileSync('rm', ['-r', outside]))
  writeFileSync(join(outside, 'o.ts'), '')
  symlinkSync('a.ts', join(root, 'again.ts'))
  symlinkSync('.versions/b.ts', join(root, 'b.ts'))
  symlinkSync(outside, join(root, 'out'))
  symlinkSync('..', join(root, 'above'))
  symlinkSync('nowhere.ts', join(root, 'dangling.ts'))
  symlinkSync('self.ts', join(root, 'self.ts'))
  symlinkSync('.', join(root, 'loop'))
  symlinkSync('../jobs', join(root, 'jobs', 'up'))
  symlinkSync('jobs', join(root, 'more'))
  t.same(await paths(root), ['a.ts', 'b.ts', 'jobs/c.ts', 'out/o.ts'])
  t.same(Object.keys(await faults(root)).toSorted(), ['above', 'dangling.ts', 'self.ts'])
  t.match(await faults(root), {
    above: /contains the tasks directory/,
    'dangling.ts': /does not exist/,
    'self.ts': /leads to itself/
  })
})

tap.test('a link out of the root counts when it and its target belong to the same user [S36]', {
  skip: process.getuid?.() !== 0 && 'only root can give files away'
}, async t => {
  const root = t.testdir({})
  const outside = join(t.testdir({ tasks: {}, there: { 'a.ts': '', 'b.ts': '', 'open.ts': '' } }), 'there')
  const tasks = join(root, 'tasks')
  for (const name of ['a.ts', 'b.ts', 'open.ts']) symlinkSync(join(outside, name), join(tasks, name))
  lchownSync(join(tasks, 'b.ts'), 65_534, 65_534)
  chmodSync(join(outside, 'open.ts'), 0o666)
  t.same(await paths(tasks), ['a.ts'])
  t.match(await faults(tasks), { 'b.ts': /user 65534/, 'open.ts': /can be changed by every user/ })
  const all = await walk(tasks, { account: null })
  t.match(all.faults.get('b.ts')?.message, /a link of user 65534 to a file of user 0: it is not followed/)
})

tap.test('entries that are not regular files are skipped without being opened [F37]', async t => {
  const root = t.testdir({ 'a.ts': '' })
  execFileSync('mkfifo', [join(root, 'pipe.ts')])
  symlinkSync('pipe.ts', join(root, 'link.ts'))
  t.same(await paths(root), ['a.ts'])
})

tap.test('depth and number of files are limited, and the limit is reported [F36]', async t => {
  const root = t.testdir({ 'a.ts': '', 'b.ts': '', one: { two: { 'c.ts': '' } } })
  const shallow = await walk(root, { limits: { depth: 1, files: 10 } })
  t.same(shallow.files.map(({ path }) => path), ['a.ts', 'b.ts'])
  t.match(shallow.faults.get('one/two')?.message, /deeper than 1/)
  const few = await walk(root, { limits: { depth: 8, files: 1 } })
  t.equal(few.files.length, 1)
  t.match(few.faults.get('.')?.message, /More than 1 files/)
})

tap.test('world-writable files are refused, with the command that repairs them [S35]', async t => {
  const root = t.testdir({ 'a.ts': '', 'b.ts': '', open: { 'c.ts': '' } })
  chmodSync(join(root, 'a.ts'), 0o646)
  chmodSync(join(root, 'open'), 0o777)
  const found = await walk(root)
  t.same(found.files.map(({ path }) => path), ['b.ts'])
  t.equal(found.faults.get('a.ts')?.fix, `Run: chmod o-w '${join(root, 'a.ts')}'`)
  t.match(found.faults.get('open')?.fix, /chmod o-w/)
  chmodSync(root, 0o757)
  t.same(await paths(root), [])
  chmodSync(root, 0o755)
})

tap.test('a missing directory is a fault, not a crash', async t => {
  const found = await walk(join(t.testdir({}), 'none'))
  t.same(found.files, [])
  t.match(found.faults.get('.')?.message, /none does not exist/)
})

tap.test('an unreadable folder is a fault, and the others are found [F37]', {
  skip: process.getuid?.() === 0 && 'root reads everything'
}, async t => {
  const root = t.testdir({ 'a.ts': '', shut: { 'b.ts': '' } })
  chmodSync(join(root, 'shut'), 0)
  t.teardown(() => chmodSync(join(root, 'shut'), 0o755))
  t.same(await paths(root), ['a.ts'])
  t.match(await faults(root), { shut: /may not be read/ })
})

tap.test('the stamp changes with the content and the mode of a file', async t => {
  const root = t.testdir({ 'a.ts': 'one' })
  const stamp = async () => (await walk(root)).files[0]!.stamp
  const first = await stamp()
  t.equal(await stamp(), first)
  writeFileSync(join(root, 'a.ts'), 'three')
  const second = await stamp()
  t.not(second, first)
  chmodSync(join(root, 'a.ts'), 0o700)
  t.not(await stamp(), second)
})
