import { linkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { Folder } from '../../backgroundtask/_files/folder.ts'
import { PatternRefused, excluder, ignoresCase, includer } from '../../backgroundtask/_files/match.ts'
import { bytesOfName, nameFrom, shown } from '../../backgroundtask/_files/names.ts'

const PATHS = ['keep', 'keep/a', 'keep/.hidden', 'keep/deep/er/a', 'sub/keep', 'sub/keep/a', 'keeper', 'sub/keeper/a',
  'Keep/a', 'a.tmp', '.a.tmp', 'sub/b.tmp']
const left = (pattern: string | string[], options = {}) => {
  const excluded = excluder([pattern].flat(), options)
  return PATHS.filter(path => excluded(path, path.endsWith('keep') ? 'folder' : 'other'))
}
const EVERYWHERE = ['keep', 'keep/a', 'keep/.hidden', 'keep/deep/er/a', 'sub/keep', 'sub/keep/a']
const AT_TOP = EVERYWHERE.slice(0, 4)

tap.test('a name without a slash is excluded at every depth, with everything below it', async t => {
  for (const pattern of ['keep', 'keep/', '**/keep', '**/keep/', '**/keep/**', './**/keep', 'kee[p]', 'k*p',
    '{keep,other}', 'kee\\p']) t.same(left(pattern), EVERYWHERE, pattern)
})

tap.test('a slash before the end makes a pattern relative to the folder', async t => {
  for (const pattern of ['/keep', './keep', '/keep/', 'keep/**', './keep/**', 'keep/**/**', '//keep', 'keep/**/']) {
    t.same(left(pattern), AT_TOP, pattern)
  }
  t.same(left('sub/keep'), ['sub/keep', 'sub/keep/a'])
  t.same(left('/srv/data/keep', { roots: ['/srv/data'] }), AT_TOP, 'as a shell shows it')
  t.same(left('~/data/keep', { roots: ['/home/me/data'], home: '/home/me' }), AT_TOP)
})

tap.test('an absolute path matches in every notation', async t => {
  const options = { roots: ['/home/me/data', '/mnt/[old]/copy'], home: '/home/me' }
  for (const pattern of [
    '/home/me/data/keep',
    '/home//me/./data/keep/',
    '/home/*/data/keep/**',
    '/home/**/data/keep',
    '$HOME/data/keep',
    '${HOME}/data/keep/',
    '~//data/kee?',
    '/mnt/[old]/copy/keep',
    '/mnt/*/copy/keep',
    '/mnt/[old]/./copy/k*p'
  ]) t.same(left(pattern, options), AT_TOP, pattern)
  for (const pattern of ['/home/me/data/keep/x/..', '/home/me/data', '~/data/', '$HOME/data/.']) {
    t.throws(() => excluder([pattern], options), PatternRefused, pattern)
  }
  t.same(left('/home/me', options), [], 'a path above the folder excludes nothing')
  t.ok(excluder(['/keep'], { roots: ['/keep'] })('keep/a', 'other'), 'a folder may contain one with its own name')
})

tap.test('a path with an unknown variable or user is refused, but a name that begins so is not', async t => {
  for (const pattern of ['$NO_SUCH/keep', '${NO_SUCH}/keep', '~no_such_user/keep']) {
    t.throws(() => excluder([pattern]), PatternRefused, pattern)
  }
  for (const name of ['~lock.odt#', '$RECYCLE.BIN', '$x', '~']) t.ok(excluder([name])(`${name}/x`, 'other'), name)
})

tap.test('wildcards match hidden names too, and a slash at the end only folders', async t => {
  t.same(left('*.tmp'), ['a.tmp', '.a.tmp', 'sub/b.tmp'])
  t.same(left('/*.tmp'), ['a.tmp', '.a.tmp'])
  t.same(left('a.tmp/'), [])
  t.same(left('*'), PATHS)
  t.same(left('sub/*'), ['sub/keep', 'sub/keep/a', 'sub/keeper/a', 'sub/b.tmp'])
  t.same(left('**'), PATHS)
  t.same(left('[[:xdigit:][:punct:]].tmp'), ['a.tmp', 'sub/b.tmp'])
})

tap.test('an exclusion cannot be undone', async t => {
  t.throws(() => excluder(['keep', '!keep/a']), {
    name: 'PatternRefused',
    message: /'!keep\/a' would undo an exclusion.*write '\\!keep\/a'/
  })
  t.ok(excluder(['\\!x'])('!x/a', 'other'))
})

tap.test('case is ignored if the file system ignores it', async t => {
  t.same(left('KEEP'), [])
  t.same(left('KEEP', { ignoreCase: true }), ['keep', 'keep/a', 'keep/.hidden', 'keep/deep/er/a', 'sub/keep',
    'sub/keep/a', 'Keep/a'])
  const base = t.testdir({ 'abc': '', 'ABC': '', '123': '' })
  const folder = await Folder.open(base)
  t.teardown(() => folder.close())
  t.equal(await ignoresCase(folder), process.platform !== 'linux')
  if (process.platform !== 'linux') return
  const linked = join(t.testdir({ one: {} }), 'one')
  writeFileSync(join(linked, 'readme'), '')
  linkSync(join(linked, 'readme'), join(linked, 'README'))
  const other = await Folder.open(linked)
  t.teardown(() => other.close())
  t.equal(await ignoresCase(other), false, 'two names of one file')
})

tap.test('a name that contains wildcards also matches itself', async t => {
  for (const name of ['[draft]', 'a*b', 'what?', '{x}', '{a,b}', 'back\\slash', '[', 'a[b', 'x\\', '-rf', '#x', ' lead',
    'new\nline', '日本', '(1)', 'a+b', '$x', '^']) {
    t.ok(excluder([name])(`${name}/below`, 'other'), name)
    t.ok(excluder([`/${name}/`])(name, 'folder'), `/${name}/`)
    t.ok(excluder([`sub/${name}`])(`sub/${name}/x/y`, 'other'), `sub/${name}`)
  }
  t.ok(excluder(['caf\u00e9'])('cafe\u0301/a', 'other'), 'composed and decomposed letters are the same')
  t.notOk(excluder(['a\\*b'])('axb', 'other'))
})

tap.test('a name that is not UTF-8 has a unique text, and its bytes can be restored', async t => {
  const bytes = [Buffer.from('caf\xe9', 'latin1'), Buffer.from('caf\xe8', 'latin1'), Buffer.from('caf\ufffd'),
    Buffer.from([0xed, 0xb3, 0xa9]), Buffer.from([0xf0, 0x9f, 0x8e, 0x89, 0xe9, 0x0a]), Buffer.from([0xc3])]
  const names = bytes.map(nameFrom)
  t.equal(new Set(names).size, bytes.length)
  for (const [index, name] of names.entries()) t.ok(bytesOfName(name).equals(bytes[index]!), shown(name))
  t.equal(shown(`${names[0]}\n\x1b[31m\u202e`), 'caf\\xe9\\n\\x1b[31m\\u{202e}')
  for (const pattern of ['caf\\xe9', 'caf?', 'c*', names[0]!, 'caf[\udce9]']) {
    t.ok(excluder([pattern])(`${names[0]}/x`, 'other'), shown(pattern))
  }
  t.notOk(excluder(['caf\\xe9'])(names[1]!, 'other'))
})

tap.test('a pattern that excludes everything or leads out is refused', async t => {
  for (const pattern of ['.', './', '/', '..', '../x', 'a/../b', '!(keep)', '@(a|b)', '!', '{,keep}', '{./,x}',
    'x{1..9}', '{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}']) t.throws(() => excluder([pattern]), PatternRefused, pattern)
})

tap.test('a pattern with hundreds of stars is matched quickly', async t => {
  const excluded = excluder(['*a'.repeat(200), '**/a/'.repeat(60) + 'b', '{'.repeat(300)])
  const began = process.cpuUsage()
  t.notOk(excluded(`${'a'.repeat(150)}b/${'a/'.repeat(100)}c`, 'other'))
  t.ok(process.cpuUsage(began).user < 20_000_000)
})

tap.test('include matches relative paths, and hidden names only if the pattern has a dot', async t => {
  const named = (pattern: string, path: string) => includer([pattern]).names(path)
  t.same(['a', 'x/a', '.a', 'x/.a', '.x/a'].map(path => named('**/*', path)), [true, true, false, false, false])
  t.same(['a.log', 'x/a.log', '.a.log'].map(path => named('*.log', path)), [true, false, false])
  t.same(['.x/a', '.x/.a', 'x/.a'].map(path => named('.x/*', path)), [true, false, false])
  t.same(['cache', 'cache/c', 'cache/d/e'].map(path => named('cache/**', path)), [false, true, true])
  t.ok(named('**/*.{log,txt}', 'a/b.txt'))
  const { below } = includer(['logs/*/x.log'])
  t.same(['logs', 'logs/a', 'logs/a/b', 'other'].map(below), [true, true, false, false])
})
