import t from 'tap'
import { scratch } from '../work/harness.ts'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { configFaults } from '../../core/model/config/config.ts'
import { exec } from '../../core/sense/source/exec.ts'
import { judge } from '../../core/sense/probe/judge.ts'
import { DAY, HOUR } from '../../core/model/base/duration.ts'
import { DESKTOP, machine } from './machine.ts'
import { until } from '../clock.ts'
import type { ProbeSetting } from '../../core/model/config/sense.ts'

const probing = (t: Test, setting: ProbeSetting, more: Parameters<typeof machine>[1] = {}) => {
  const house = machine(t, { tree: DESKTOP, config: { probes: { look: setting } }, ...more })
  /** A sample that starts looks, and one that has their answers. */
  const look = async (ms = 60_000) => {
    await house.later({}, ms)
    await house.senses.settled()
    return (await house.senses.sample()).probes.look!
  }
  return { ...house, look }
}

async function site (t: Test) {
  const says = { status: 200, body: '{}', hang: false, asked: 0, headers: {} as Record<string, unknown> }
  const server = createServer((request, response) => {
    says.asked++
    says.headers = request.headers
    if (!says.hang) response.writeHead(says.status, { location: '/elsewhere' }).end(says.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { says, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sessions` }
}

t.test('a running program is busy, by its name in the kernel', async t => {
  const { look, write } = probing(t, { kind: 'process', processes: ['vlc', 'a-very-long-program-name'] }, {
    tree: { ...DESKTOP, 'proc/41/comm': 'bash\n' }
  })
  t.match(await look(), { busy: false, detail: 'none of the programs runs' })
  write({ 'proc/42/comm': 'a-very-long-pro\n' })
  t.match(await look(), { busy: true, detail: "'a-very-long-program-name' runs" })
})

t.test('the answer of a URL decides', async t => {
  const { says, url } = await site(t)
  const { look, senses } = probing(t, {
    kind: 'url',
    url,
    headers: { 'x-token': 'abc' },
    busy_when: { pointer: '/streams', above: 0 }
  })
  says.body = '{"streams":2}'
  t.match(await look(), { busy: true, detail: 'status 200, /streams is 2' })
  t.equal(says.headers['x-token'], 'abc')
  says.body = '{"streams":0}'
  t.match(await look(), { busy: false })
  says.status = 302
  t.match(await look(), { busy: false, detail: 'status 302' },
    'a redirect is not followed, and the answer before it still counts')
  t.match(await look(1_000_000), { busy: 'unknown', detail: 'status 302' })
  t.match(senses.troubles(), [{ sensor: 'probe look', message: 'status 302' }])
})

t.test('a URL that hangs or is gone is unknown, and delays no sample', async t => {
  const { says, url } = await site(t)
  says.hang = true
  const { look, senses, configure } = probing(t, { kind: 'url', url, timeout: 0.5 })
  t.match((await senses.sample()).probes.look, { busy: 'unknown', detail: 'not answered yet' })
  t.match(await look(), { busy: 'unknown', detail: 'no answer within 500 ms' })
  configure({ probes: { look: { kind: 'url', url: 'http://127.0.0.1:1/' } } })
  t.match(await look(), { busy: 'unknown', detail: /./ })
  t.equal(senses.troubles().length, 1)
})

t.test('an answer expires when it is not renewed', async t => {
  const { says, url } = await site(t)
  const { look, senses, clock } = probing(t, { kind: 'url', url, every: '30s', ttl: '2m' })
  t.match(await look(), { busy: true })
  says.hang = true
  clock.advance(119_000)
  t.match((await senses.sample()).probes.look, { busy: true })
  clock.advance(2000)
  t.match((await senses.sample()).probes.look, { busy: 'unknown', detail: 'too old: status 200' })
})

t.test('each probe runs at its own period', async t => {
  const { says, url } = await site(t)
  const { look } = probing(t, { kind: 'url', url, every: '5m' })
  await look()
  await look()
  t.equal(says.asked, 1)
  await look(240_000)
  t.equal(says.asked, 2)
})

t.test('the exit code of a command decides, without a shell [S21]', async t => {
  const folder = scratch(t)
  const command = [process.execPath, '-e', 'process.exit(Number(process.argv[1]))', '3; echo']
  const { look, configure } = probing(t, {
    kind: 'command',
    command: [...command.slice(0, 3), '3'],
    busy_when: { exit: [3] }
  }, { exec })
  t.match(await look(), { busy: true, detail: 'exit code 3' })
  configure({ probes: { look: { kind: 'command', command: [...command.slice(0, 3), '0'], busy_when: { exit: [3] } } } })
  t.match(await look(), { busy: false })
  configure({ probes: { look: { kind: 'command', command: [join(folder, 'nothing')] } } })
  t.match(await look(), { busy: 'unknown', detail: /ENOENT/ })
})

t.test('a command that times out is ended with its child processes', async t => {
  const folder = scratch(t)
  const pid = join(folder, 'pid')
  const script = join(folder, 'slow.sh')
  writeFileSync(script, `#!/bin/sh\nsleep 1000 &\necho $! > ${pid}\nwait\n`)
  chmodSync(script, 0o700)
  const ended = exec({ argv: [script], timeoutMs: 2000 }).then(() => null, (error: Error) => error.message)
  await until('the grandchild runs', () => existsSync(pid) && readFileSync(pid, 'utf8') !== '')
  const child = Number(readFileSync(pid, 'utf8'))
  t.equal(await ended, 'no answer within 2000 ms')
  await until('it is gone', () => {
    try {
      process.kill(child, 0)
      // A killed process whose new parent has not looked yet still answers.
      return /^\d+ \(sleep\) Z/.test(readFileSync(`/proc/${child}/stat`, 'utf8'))
    } catch {
      return true
    }
  })
})

t.test('a file is busy while it exists, or while it is recent', async t => {
  const { look, root, write, configure, clock } = probing(t, { kind: 'file', path: '/nowhere' })
  const path = join(root, 'lock')
  configure({ probes: { look: { kind: 'file', path, busy_when: { newer_than: '10m' } } } })
  t.match(await look(), { busy: false, detail: 'the file does not exist' })
  write({ lock: '' })
  utimesSync(path, clock.now() / 1000, clock.now() / 1000)
  t.match(await look(), { busy: true, detail: 'changed 60 s ago' })
  t.match(await look(600_000), { busy: false })
  configure({ probes: { look: { kind: 'file', path, busy_when: { exists: false } } } })
  t.match(await look(), { busy: false })
})

const JUDGED: [string, Parameters<typeof judge>, boolean | string][] = [
  ['2xx alone is busy', [{}, { text: '', status: 204 }], true],
  ['404 alone is not', [{}, { text: '', status: 404 }], false],
  ['a status that is asked for', [{ status: [404] }, { text: '', status: 404 }], true],
  ['a text within', [{ contains: 'NowPlaying' }, { text: '[{"NowPlayingItem":1}]', status: 200 }], true],
  ['an error page has no text', [{ contains: 'x' }, { text: 'x', status: 500 }], 'status 500'],
  ['something at the pointer', [{ pointer: '/0' }, { text: '[{"a":1}]', status: 200 }], true],
  ['an empty list at the pointer', [{ pointer: '/a' }, { text: '{"a":[]}', status: 200 }], false],
  ['nothing at the pointer', [{ pointer: '/a/b' }, { text: '{"a":null}', status: 200 }], false],
  ['a prototype is nothing', [{ pointer: '/constructor' }, { text: '{}', status: 200 }], false],
  ['equal', [{ pointer: '/s', equals: 'on' }, { text: '{"s":"on"}', status: 200 }], true],
  ['not equal', [{ pointer: '/s', equals: null }, { text: '{"s":"on"}', status: 200 }], false],
  ['between', [{ pointer: '', above: 1, below: 3 }, { text: '2', status: 200 }], true],
  ['a text is no number', [{ pointer: '', above: 1 }, { text: '"2"', status: 200 }], false],
  ['no JSON', [{ pointer: '/a' }, { text: '<html>', status: 200 }], "the answer is not JSON: '<html>'"],
  ['what a command prints', [{ contains: 'playing' }, { text: 'playing', exit: 0 }], true],
  ['a command that failed prints nothing', [{ contains: 'playing' }, { text: 'playing', exit: 1 }], 'exit code 1']
]

t.test('an answer is judged by all conditions', async t => {
  for (const [what, asked, expected] of JUDGED) {
    if (typeof expected === 'string') t.throws(() => judge(...asked), { message: expected }, what)
    else t.equal(judge(...asked).busy, expected, what)
  }
})

t.test('a signal is valid until it expires, and survives a restart', async t => {
  const { senses, clock, make, folder } = machine(t, {
    tree: DESKTOP,
    config: { signals: { price: { type: 'number', ttl: '10m' } } }
  })
  await senses.start()
  senses.setSignal('price', 31.5)
  senses.setSignal('solar', 'high', 60_000)
  t.match(senses.latest.signals, {
    price: { value: 31.5, at: clock.now(), expires_at: clock.now() + 600_000 },
    solar: { value: 'high' }
  }, 'at once')
  await senses.stop()
  t.match(JSON.parse(readFileSync(join(folder, 'signals.json'), 'utf8')), { price: { value: 31.5 } })
  const next = make()
  clock.advance(61_000)
  await next.start()
  const live = () =>
    Object.entries(next.latest.signals).filter(([, { expires_at: until }]) => until > clock.now()).map(([name]) => name)
  t.strictSame(live(), ['price'])
  clock.advance(600_000)
  await next.sample()
  t.strictSame([live(), Object.keys(next.latest.signals)], [[], ['price', 'solar']],
    'for a day it is known what has expired')
  t.equal(next.dropSignal('price'), false)
  clock.advance(86_400_000)
  t.strictSame((await next.sample()).signals, {})
})

t.test('a signal set by a clock in the future is valid for its whole duration once the clock is right', async t => {
  const { senses, clock } = machine(t, { tree: DESKTOP })
  const now = clock.now()
  clock.set(now + 3_652 * 86_400_000)
  await senses.start()
  senses.setSignal('price', 1, 600_000)
  clock.set(now)
  t.match((await senses.sample()).signals, { price: { value: 1, at: now, expires_at: now + 600_000 } })
})

t.test('an invalid signal is refused with the expected value', async t => {
  const { senses, clock } = machine(t, { tree: DESKTOP, config: { signals: { price: { type: 'number' } } } })
  const refused = (pointer: string, ...asked: [string, unknown, number?]) =>
    t.throws(() => senses.setSignal(...asked), { code: 'OFFPEAK_SIGNAL_INVALID', place: { pointer } },
      JSON.stringify(asked))
  refused('/name', 'Not A Name', 1)
  refused('/name', '__proto__', 1)
  refused('/value', 'a', NaN)
  refused('/value', 'a', { deep: 1 })
  refused('/value', 'a', 'x'.repeat(201))
  refused('/value', 'price', 'high')
  refused('/ttl', 'a', 1, 0)
  refused('/ttl', 'a', 1, Infinity)
  for (let index = 0; index < 200; index++) senses.setSignal(`s${index}`, index)
  t.throws(() => senses.setSignal('one-more', 1), /already 200 signals/)
  senses.setSignal('s7', 8)
  clock.advance(3_600_000)
  t.equal(senses.setSignal('one-more', 1).value, 1, 'those that have expired make room')
  await senses.settled()
})

t.test('a minute with the clock a year ahead ends no signal; with an unset clock its duration stays [F17]', async t => {
  const { senses, clock } = machine(t, { tree: DESKTOP })
  const now = clock.now()
  senses.setSignal('price', 1, HOUR)
  clock.set(now + 365 * DAY)
  await senses.sample()
  clock.set(now + 60_000)
  t.match((await senses.sample()).signals, { price: { value: 1, expires_at: now + HOUR } })
  clock.set(90_000)
  senses.setSignal('early', 2, HOUR)
  clock.set(now)
  t.match((await senses.sample()).signals, { early: { value: 2, at: now, expires_at: now + HOUR } })
})

t.test('an invalid file of signals is ignored', async t => {
  const { senses, folder } = machine(t, { tree: DESKTOP })
  writeFileSync(join(folder, 'signals.json'),
    '{"a": {"value": 1, "at": 0, "expires_at": 99999999999999}, "b": {"value": {}}, "C d": 1, "c"')
  await senses.start()
  t.strictSame(senses.latest.signals, {})
})

t.test('the configuration of probes and signals is checked by their kind', async t => {
  const faults = configFaults({
    probes: {
      'Bad Name': { kind: 'file', path: 'x' },
      a: { kind: 'url' },
      b: { kind: 'process', processes: ['x'], path: 'y', busy_when: { status: [200] } },
      c: { kind: 'url', url: 'ftp://x', busy_when: { above: 3 } },
      d: { kind: 'proces', evry: 3 }
    },
    signals: { 'X y': {} },
    sense: { metered: 'maybe', every: 'soon' }
  })
  t.strictSame(faults.map(({ pointer }) => pointer).toSorted(), [
    '/probes/Bad Name',
    '/probes/a',
    '/probes/b/busy_when/status',
    '/probes/b/path',
    '/probes/c/busy_when',
    '/probes/c/url',
    '/probes/d/evry',
    '/probes/d/kind',
    '/sense/every',
    '/sense/metered',
    '/signals/X y'
  ])
  t.match(faults.find(({ pointer }) => pointer === '/probes/a')?.detail, "'url' is missing")
  t.match(faults.find(({ pointer }) => pointer === '/probes/d/evry')?.detail, "did you mean 'every'?")
})
