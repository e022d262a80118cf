import t from 'tap'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CONTENDERS } from '../../bench/first-run/contenders.ts'
import { Place, bytesIn } from '../../bench/first-run/measure.ts'
import { page } from '../../bench/first-run/page.ts'
import { scratch } from '../work/harness.ts'
import type { Measured } from '../../bench/first-run/measure.ts'

const tried = (ran: number | null, note = ''): Measured => ({
  seconds: { installed: 10, answers: 12.34, ran },
  downloaded: 4_200_000,
  installed: 26_000_000,
  packages: 71,
  note
})

t.test('a row has the medians of all rounds, or the reason why there are none', async t => {
  const measured = [tried(30), tried(20), tried(40)]
  const text = page([
    { name: 'fast', how: 'by hand', measured },
    { name: 'silent', how: 'by hand', measured: [tried(null)] },
    { name: 'gone', how: 'by hand', measured: [tried(1), tried(null, '404 Not Found')] }
  ])
  t.match(text, '| fast | 10.0 | 12.3 | 30.0 | 4.2 | 26 | 71 |')
  t.match(text, '| silent | 10.0 | 12.3 | - | 4.2 | 26 | 71 |')
  t.match(text, '| gone | - | - | - | - | - | could not be installed here: 404 Not Found |')
  t.match(text, 'medians of 3 rounds')
})

t.test('bytes are those of files, each once, and the cache of npm is no part of the folder', async t => {
  const parent = scratch(t)
  const place = new Place(parent)
  const put = (path: string, size: number) => {
    mkdirSync(join(parent, path, '..'), { recursive: true })
    writeFileSync(join(parent, path), 'x'.repeat(size))
  }
  put('app/node_modules/one/package.json', 100)
  put('app/node_modules/@scope/two/package.json', 10)
  put('cache/_cacache/content-v2/a', 5)
  symlinkSync(join(parent, 'app/node_modules/one/package.json'), join(parent, 'app/link'))
  place.given = 1000
  t.equal(bytesIn(place.folder), 110)
  t.match(place.measured(''), { installed: 110, downloaded: 1005, packages: 2 })
})

t.test('a program that fails is an error with what it printed', async t => {
  const place = new Place(scratch(t))
  await place.run('sh', '-c', 'exit 0')
  await t.rejects(place.run('sh', '-c', 'echo no such thing; exit 3'), { message: /ended with 3: no such thing/ })
})

t.test('the page of the results has a row for each contender', async t => {
  const text = readFileSync(resolve(import.meta.dirname, '../../bench/first-run/RESULTS.md'), 'utf8')
  const rows = text.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('|  |'))
  t.strictSame(rows.map(line => line.split(' | ')[0]), CONTENDERS.map(({ name }) => `| ${name}`))
})
