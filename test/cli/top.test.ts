import { spawn, spawnSync } from '../child.ts'
import { once } from 'node:events'
import t from 'tap'
import { BIN, cli, place, serve } from './setup.ts'
import { eventsIn } from '../../core/cli/remote/events.ts'
import { frameOf } from '../../core/cli/terminal/frame.ts'
import { until } from '../load/until.ts'
import type { Snapshot } from '../../core/cli/terminal/frame.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const run = (fields: object) => ({
  id: '6h037rksg00',
  task: 'copy',
  label: 'running',
  held: null,
  progress: null,
  error: null,
  reason: null,
  warning: null,
  started_at: '2026-11-22T11:59:30.000Z',
  due_at: '2026-11-22T11:59:00.000Z',
  ...fields
})
const PROGRESS = { current: 5, total: 10, unit: 'files', percentage: 50, eta: 5, rate: 1, message: null, at: '' }
const READING = {
  power: 'battery',
  battery: { present: true, level: 41.6 },
  cpu: { busy: 0.25 },
  memory: { used: 0.5 },
  temperature: 'unknown'
}

const snapshot = (over: object = {}) =>
  ({
    running: [run({ progress: PROGRESS })],
    waiting: [run({ id: '6h037rksg01', task: 'wash', label: 'held', held: { code: 'x', message: 'on battery' } }),
      run({ id: '6h037rksg02', task: 'later', label: 'scheduled', due_at: '2026-11-22T12:10:00.000Z' })],
    tasks: [{ id: 'nightly', next_run: '2026-11-22T12:05:00.000Z', paused: null }, { id: 'asked', next_run: null }],
    machine: { reading: READING, profile: 'battery_normal' },
    lost: false,
    ...over
  }) as unknown as Snapshot

const cwd = place(t)
await serve(t, [], { cwd })
const { out: id } = await cli(['run', 'stays'], { cwd })

t.test('a frame shows what runs, what is held and why, and what comes next', async t => {
  const frame = frameOf(snapshot(), { rows: 50, columns: 120, now: NOW })
  t.match(frame, new RegExp(
    String.raw`^offpeak {2}\S+ {2}1 running, 1 waiting {2}on battery {2}battery 42 % {2}` +
      String.raw`cpu 25 % {2}memory 50 % {2}profile battery_normal\n`
  ))
  t.match(frame, /\n6h037rksg00 +copy +30 s +\[#{12}\.{12}\] 50 % 5\/10 files, 5 s left\n/)
  t.match(frame, /\n6h037rksg01 +wash +1 m ago +on battery\n/)
  t.match(frame, /\n\S+ +nightly +in 5 m\n\S+ +later +in 10 m$/)
  t.notMatch(frame, /asked/)
  t.match(frameOf(snapshot({ lost: true }), { rows: 50, columns: 120, now: NOW }), /does not answer/)
})

t.test('a frame fits the size of the terminal', async t => {
  const many = snapshot({
    running: Array.from({ length: 80 }, () => run({ task: 't'.repeat(90), progress: PROGRESS }))
  })
  const lines = frameOf(many, { rows: 24, columns: 80, now: NOW }).split('\n')
  t.equal(lines.length, 24)
  t.ok(lines.every(line => line.length <= 80))
})

t.test('events are read in pieces of any size', async t => {
  const text = 'retry: 2000\nid: 7\n\n:\n\nid: 8\nevent: added\ndata: {"kind":"added"}\n\n' +
    'id: 9\nevent: settled\ndata: {"kind":"settled"}\n\n'
  const kinds: string[] = []
  for await (const { kind } of eventsIn((async function* () {
    for (const sign of text) yield sign
  })())) kinds.push(kind)
  t.same(kinds, ['added', 'settled'])
})

t.test('one frame is printed without a terminal, or with --once', async t => {
  let output = await cli(['top', '--once'], { cwd })
  t.equal(output.code, 0)
  t.match(output.out, /^offpeak +/)
  for (let tries = 0; tries < 50 && !/RUNNING\nRUN/.test(output.out); tries++) output = await cli(['top'], { cwd })
  t.match(output.out, new RegExp(`RUNNING\nRUN +TASK +FOR +PROGRESS\n${id.trim()} +stays `))
  t.match(output.out, /NEXT\nAT +TASK +IN\n\S.* +echo +in /)
  t.notOk(output.out.includes('\u001B'))
  t.match(JSON.parse((await cli(['top', '--json'], { cwd })).out), { running: [{ task: 'stays' }], lost: false })
})

t.test('stats are a table', async t => {
  await cli(['run', 'echo', '--wait'], { cwd })
  t.match((await cli(['stats'], { cwd })).out, /^TASK +DONE +FAILED +RATE .*LONGEST +CPU\necho +1 +0 +0 % +0 +0 /)
  t.match((await cli(['stats', '--every', 'hour', '--by', 'queue'], { cwd })).out,
    /^AT +QUEUE +DONE.*\n\S+ \S+ +default +1 /)
  t.match(await cli(['stats', '--by', 'colour'], { cwd }), { code: 2 })
})

const hasScript = spawnSync('script', ['--version']).status === 0
t.test('on a terminal top follows events, and restores the terminal', {
  skip: !hasScript && 'there is no script(1)'
}, async t => {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm' }
  const child = spawn('script', ['-qec', `"${process.execPath}" "${BIN}" top`, '/dev/null'], {
    cwd,
    env,
    stdio: 'pipe'
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  await until(() => stdout.includes('NEXT'))
  const { out } = await cli(['run', 'stays'], { cwd })
  await until(() => stdout.includes(out.trim()))
  child.stdin.write('q')
  const [status] = await once(child, 'close')
  t.equal(status, 0)
  t.ok(stdout.includes('\u001B[?1049h\u001B[?25l'))
  const [, after] = stdout.split('\u001B[?25h\u001B[?1049l')
  t.equal(after, '2 runs go on (stays). Look again with: offpeak top; follow one with: offpeak logs stays --follow\r\n')
})
