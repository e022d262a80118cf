import t from 'tap'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync,
  writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { execFileSync } from '../../child.ts'
import { until } from '../../load/until.ts'
import { cli, launch, place, serve } from '../setup.ts'
import { smallDisk } from '../../small-disk.ts'

const cwd = place(t)
const server = await serve(t, [], { cwd })
const ask = (...words: string[]) => cli(words, { cwd })
const { id } = JSON.parse((await ask('run', 'echo', '--wait', '--json')).out) as { id: string }
const ownFiles = (names: string[]) => names.every(name => !/^lock|^server\.json|-wal$/.test(name))

t.test('the data folder is copied into a folder while a server writes to it', async t => {
  t.match(await ask('backup', 'copies/one'), { code: 0, out: /^data is copied to copies\/one\. Start with it/ })
  const names = readdirSync(join(cwd, 'copies', 'one'))
  t.ok(names.includes('offpeak.db'))
  t.ok(ownFiles(names), 'nothing that belongs to the running server')
  t.equal(statSync(join(cwd, 'copies', 'one')).mode & 0o077, 0)
  t.equal(readFileSync(join(cwd, 'copies', 'one', 'token'), 'utf8'), readFileSync(join(cwd, 'data', 'token'), 'utf8'))
  t.match(await ask('backup', 'copies/one'), { code: 2, err: /exists already/ })
  t.match(await ask('backup', 'data/inside'), { code: 2, err: /is in the data folder/ })
  t.strictSame(readdirSync(join(cwd, 'copies')), ['one'])
})

t.test('one file has everything, and restore reads it', async t => {
  const long = `${'ü'.repeat(80)}.txt`
  mkdirSync(join(cwd, 'data', 'uploads', 'one'), { recursive: true })
  writeFileSync(join(cwd, 'data', 'uploads', 'one', long), 'x'.repeat(1500))
  t.match(await ask('backup', 'files/one.tar.gz'), {
    code: 0,
    out: 'data is copied to files/one.tar.gz. Restore it: offpeak restore files/one.tar.gz\n'
  })
  t.equal(statSync(join(cwd, 'files', 'one.tar.gz')).mode & 0o077, 0)
  t.match(await ask('backup', 'files/one.tar.gz'), { code: 2, err: /exists already/ })
  t.match(await ask('backup', 'one.zip'), { code: 2, err: /ends with \.tar\.gz, such as one\.tar\.gz/ })
  t.strictSame(readdirSync(join(cwd, 'files')), ['one.tar.gz'])
  t.match(await ask('backup', 'one.tar.zst'), { code: 2, err: /such as one\.tar\.gz/ })
  t.match(await ask('restore', 'files/one.tar.gz'), {
    code: 2,
    err: /is not empty, and the server \d+ uses it\n {2}Stop the server, .*: mv data data\.old && offpeak restore files/
  })
  t.match(await ask('restore', 'files/one.tar.gz', '--into', 'again'), {
    code: 0,
    out: /^\d+ files of 20\S+ are restored to again/
  })
  t.ok(ownFiles(readdirSync(join(cwd, 'again'))))
  t.equal(readFileSync(join(cwd, 'again', 'uploads', 'one', long), 'utf8'), 'x'.repeat(1500))
  t.equal(statSync(join(cwd, 'again', 'token')).mode & 0o777, 0o600)
  await serve(t, ['--data', 'again'], { cwd })
  t.match((await ask('runs', '--json', '--data', 'again')).out, id)
})

t.test('a backup that is a folder is restored too', async t => {
  t.match(await ask('restore', 'copies/one', '--into', 'from-folder'), {
    code: 0,
    out: /^\d+ files of 20\S+ are restored to from-folder/
  })
  t.match(await ask('restore', 'copies/one', '--into', 'from-folder'), {
    code: 2,
    err: /from-folder is not empty\n {2}Move it away: mv from-folder from-folder\.old && offpeak restore copies\/one/
  })
  const there = await serve(t, ['--data', 'from-folder'], { cwd })
  t.match(await ask('show', id, '--data', 'from-folder', '--json'), { code: 0, out: /"state": "completed"/ })
  there.child.kill('SIGKILL')
  await there.over
})

t.test('restore takes whole files of backup only', async t => {
  const whole = readFileSync(join(cwd, 'files', 'one.tar.gz'))
  const tampered = gunzipSync(whole)
  tampered.write('../token', tampered.indexOf('token\0'))
  const header = tampered.subarray(tampered.indexOf('../token\0'))
  header.write(' '.repeat(8), 148)
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const files: [Buffer, RegExp][] = [
    [whole.subarray(0, whole.length - 20), /unexpected end of file/],
    [Buffer.from('plain'), /incorrect header check/],
    [gzipSync('text'), /ends too early/],
    [gzipSync(gunzipSync(whole).subarray(1024)), /was not made by offpeak backup|wrong checksum/],
    [gzipSync(tampered), /"\.\.\/token" does not belong into a data folder/]
  ]
  for (const [bytes, words] of files) {
    writeFileSync(join(cwd, 'other.tar.gz'), bytes)
    t.match(await ask('restore', 'other.tar.gz', '--into', 'never'), { code: 2, err: words }, String(words))
  }
  t.match(await ask('restore', 'none.tar.gz'), { code: 2, err: /There is no file none/ })
  t.match(await ask('restore', 'other.tar.gz', '--only', 'token'), { code: 2, err: /restored whole/ })
  t.strictSame(readdirSync(cwd).filter(name => name.includes('never') || name.includes('part')), [])
})

t.test('an archive with missing, added or changed members is refused with their names', async t => {
  const bad = async (name: string, change: (folder: string) => void, words: RegExp | null) => {
    const folder = join(t.testdir({}), 'x')
    mkdirSync(folder)
    execFileSync('tar', ['-xzf', join(cwd, 'files', 'one.tar.gz'), '-C', folder])
    change(folder)
    const members = readdirSync(folder).filter(one => one !== 'offpeak-backup.json')
    execFileSync('tar', ['-czf', join(cwd, `${name}.tar.gz`), '--format=ustar', '-C', folder, 'offpeak-backup.json',
      ...members])
    const done = await ask('restore', `${name}.tar.gz`, '--into', name)
    if (words === null) return done
    t.match(done, { code: 2, err: words }, name)
    t.notOk(existsSync(join(cwd, name)), name)
    return done
  }
  rmSync(join(cwd, 'data', 'uploads', 'one'), { recursive: true, force: true })
  rmSync(join(cwd, 'files', 'one.tar.gz'))
  t.match(await ask('backup', 'files/one.tar.gz'), { code: 0 })
  const older = (folder: string) =>
    writeFileSync(join(folder, 'offpeak-backup.json'),
      '{ "format": 1, "version": "0.1.0", "made_at": "2026-11-01T00:00:00.000Z" }')
  await bad('missing', folder => rmSync(join(folder, 'token')), /cannot be restored: it lacks "token"/)
  await bad('added', folder => writeFileSync(join(folder, 'tokens.json'), '[]'),
    /its list does not have "tokens\.json"/)
  await bad('changed', folder => writeFileSync(join(folder, 'token'), 'another'),
    /other content than listed in "token"/)
  await bad('empty', folder => {
    older(folder)
    rmSync(join(folder, 'offpeak.db'))
  }, /it has no offpeak\.db/)
  t.match(await bad('older', older, null), { code: 0, err: /no list of its files: only the database is checked/ })
})

t.test('a backup that is killed or has no space leaves no file under its name', async t => {
  const big = join(cwd, 'data', 'uploads', 'big')
  writeFileSync(big, '')
  truncateSync(big, 2 ** 30)
  const begun = () => readdirSync(join(cwd, 'files')).filter(name => name.endsWith('.part.tar.gz'))
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    const { child } = launch(['backup', 'files/two.tar.gz'], { cwd })
    await until(() => begun().some(name => name.includes(`.${child.pid}.`)))
    child.kill(signal)
    await until(() => child.exitCode !== null || child.signalCode !== null)
    t.notOk(existsSync(join(cwd, 'files', 'two.tar.gz')), signal)
    t.equal(begun().length, signal === 'SIGKILL' ? 1 : 0, 'Ctrl-C cleans up, also what was killed before')
  }
  rmSync(big)
  const disk = smallDisk(t, '64k')
  if (disk !== null) {
    t.match(await ask('backup', join(disk, 'three.tar.gz')), {
      code: 1,
      err: /cannot be written: the disk is full\n {2}Free/
    })
    t.strictSame(readdirSync(disk), [])
  }
  t.equal((await ask('backup', 'files/two.tar.gz')).code, 0)
  t.strictSame(readdirSync(join(cwd, 'files')), ['one.tar.gz', 'two.tar.gz'])
  server.child.kill('SIGTERM')
  await server.over
})

t.test('a restore that is killed leaves no data folder, and the next one removes what it left', async t => {
  const cwd = place(t, {}, {})
  const server = await serve(t, [], { cwd })
  mkdirSync(join(cwd, 'data/uploads'))
  writeFileSync(join(cwd, 'data/uploads/large'), '')
  truncateSync(join(cwd, 'data/uploads/large'), 2 ** 28)
  t.match(await cli(['backup', 'one.tar.gz'], { cwd }), { code: 0 })
  server.child.kill('SIGTERM')
  await server.over
  const left = () => readdirSync(cwd).filter(name => name.endsWith('.part'))
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    const { child } = launch(['restore', 'one.tar.gz', '--into', 'again'], { cwd })
    await until(() => left().some(name => name.includes(`.${child.pid}.`)))
    child.kill(signal)
    await until(() => child.exitCode !== null || child.signalCode !== null)
    t.notOk(existsSync(join(cwd, 'again')), signal)
    t.equal(left().length, signal === 'SIGKILL' ? 1 : 0)
  }
  t.match(await cli(['restore', 'one.tar.gz', '--into', 'again'], { cwd }), { code: 0 })
  t.equal(statSync(join(cwd, 'again/uploads/large')).size, 2 ** 28)
  t.strictSame(left(), [])
})

t.test('without a database nothing is copied', async t => {
  const cwd = place(t)
  t.match(await cli(['backup', 'copy'], { cwd }), { code: 2, err: /There is no database/ })
  t.notOk(existsSync(join(cwd, 'copy')))
})
