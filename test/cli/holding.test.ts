import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli, launch, place, serve } from './setup.ts'
import { until } from '../load/until.ts'

const TASKS = {
  'wash.mjs': `export const TASK_DEFINITIONS = [
    { id: 'wash', func: () => 'clean', constraints: { signals: { solar: '> 500' } } },
    { id: 'nightly', func: () => 1, trigger: 'cron', trigger_args: { hour: 22 }, timezone: 'UTC',
      constraints: { window: 'night' } },
    { id: 'plain', func: () => 1, tags: ['disk', 'plain'] }]`
}
const CONFIG = {
  manager: { timezone: 'UTC' },
  scheduling: { time_windows: { night: { start: '22:00', end: '06:00' } } },
  resources: { cpu_limit: 1, io_limit: 1, memory_limit: 0.999 }
}

const cwd = place(t, CONFIG, TASKS)
const server = await serve(t, [], { cwd })
const ask = (...args: string[]) => cli(args, { cwd })
const json = async (...args: string[]) => JSON.parse((await ask(...args, '--json')).out)
const held = async (id: string) =>
  ((await (await fetch(`${server.url}/api/runs/${id}`)).json()) as { held: unknown }).held

t.test('a run waits for a signal, and starts within a second of it', async t => {
  const { child, output } = launch(['run', 'wash', '--when-possible', '--wait', '--json'], { cwd })
  await until(() => output.err.includes('held: signal solar is not set'))
  const why = await ask('why', 'wash')
  t.match(why.out,
    /^wash \(run \w{11}\) is held: signal solar is not set; start it now with: offpeak now \w{11}\n {2}held +\d/)
  t.match(why.out, /^.*\n {2}held +\d.*: signal solar is not set\n/)
  t.match(why.out, /\n- +signals +unknown +solar > 500 +\d\d:\d\d:\d\d +- +wash\.mjs \/constraints\/signals\/solar\n/)
  t.match(why.out, /\n\+ +memory .*config\.json:\d+:\d+ \/resources\/memory_limit\n/)
  const { out } = await ask('tasks')
  t.match(out, /\nwash +held \(signal unknown\)  on request/, 'the table has a short reason')
  t.match(out, /\nwash is held: signal solar is not set; start it now with: offpeak now \w{11}\n/, 'the rest is below')
  t.ok(out.split('\n').slice(0, 4).every(line => line.length <= 80), 'without a terminal too')
  const signal = await json('signal', 'solar', '650', '--ttl', '1h')
  await until(() => child.exitCode !== null)
  t.equal(child.exitCode, 0)
  const run = JSON.parse(output.out)
  t.match(run, { state: 'completed', result: 'clean', holds: [{ code: 'signal_unknown' }] })
  const late = Date.parse(run.started_at) - Date.parse(signal.at)
  t.ok(late >= 0 && late < 1000, `it started ${late} ms after the signal`)
  t.match((await ask('why', run.id)).out, /^wash \(run \w{11}\) completed\n {2}held +\d.*: signal solar is not set\n$/)
  t.match((await ask('why', 'wash', '--at', '2026-01-01T00:00Z')).out, 'wash: it had no run then\n')
})

t.test('a signal is a number, a boolean or a text, and can be deleted', async t => {
  for (const [text, value] of [['-4.5', -4.5], ['true', true], ['away', 'away'], ['', '']] as const) {
    t.equal((await json('signal', 'kind', text, '--ttl', '1m')).value, value)
  }
  t.match(await ask('signal', 'kind', '--drop'), { code: 0, out: 'kind is deleted\n' })
  t.match(await ask('signal', 'kind', '--drop'), { code: 2, err: "offpeak: No signal has the name 'kind'\n" })
  t.match(await ask('signal', 'kind', '5'), { code: 1, err: /'ttl' is missing: state how long the value is valid/ })
  t.match(await ask('signal', 'a b', '5'), { code: 1, err: /'a b' is not a valid name of a signal/ })
  t.match(await ask('signal', 'kind'), { code: 2, err: /signal needs a value, or --drop/ })
})

t.test('run bypasses conditions and lists them, unless --when-possible or a delay is given', async t => {
  await ask('signal', 'solar', '--drop')
  const now = await ask('run', 'wash', '--wait')
  t.match(now, { code: 0, err: /^starts in spite of: signal solar is not set\n/, out: /completed/ })
  const later = await json('run', 'wash', '--when-possible')
  const added = (await ask('enqueue', 'wash')).out.trim()
  for (const id of [later.id, added]) {
    await until(async () => ((await held(id)) as { code: string } | null)?.code === 'signal_unknown')
  }
  t.match(await json('run', 'wash', '--delay', '1h'), { now: false, label: 'scheduled' })
  t.match((await ask('runs', '--task', 'wash', '--state', 'queued')).out,
    new RegExp(`${added} .* offpeak now ${added}`))
  t.match(await ask('now', later.id, added), {
    code: 0,
    out: new RegExp(`^${later.id} starts now\n${added} starts now\n$`),
    err: /in spite of: signal solar is not set/
  })
  for (const id of [later.id, added]) await until(async () => (await json('show', id)).state === 'completed')
  t.match(await ask('now', added), { code: 1, err: /only waiting runs can be/ })
  t.match(await ask('run', 'wash', '--when-possible', '--now'), { code: 2, err: /cannot be used with/ })
})

t.test('run --now bypasses every gate except safety, and starts first', async t => {
  t.match(await json('run', 'wash', '--now', '--wait'), { state: 'completed', priority: 'critical', holds: [] })
  t.match(await ask('run', 'wash', '--now', '--priority', 'low'), { code: 2, err: /cannot be used with/ })
})

t.test('pause and resume', async t => {
  t.match(await ask('pause', 'tag:disk', '--for', '2h', '--reason', 'a film'), {
    code: 0,
    out: /^tag:disk is paused until .*\(in 2 h\); running runs continue\n$/
  })
  t.match((await ask('pauses')).out, /^PAUSED +SCOPE +UNTIL +BY +SINCE +REASON\ndisk +tag +\S.*cli:\S+ .*a film\n$/)
  await ask('pause', 'task:plain')
  t.match((await ask('pauses')).out, /\nplain +task +resumed /, 'by the name that is typed')
  t.match(await ask('pause', 'tag:plain'), { code: 0 })
  const { out } = await ask('pauses')
  t.match(out, /\ntag:plain +tag /, 'with its kind while two have the name')
  t.match(out, /\ntask:plain +task /)
  for (const what of ['task:plain', 'tag:plain']) t.match(await ask('resume', what), { code: 0 })
  const asked = await ask('run', 'plain', '--now')
  const id = asked.out.trim()
  t.match(asked.err, /^held: tag disk is paused.*\n$/, 'a note says that the run does not start')
  t.match(await held(id), { code: 'paused' }, 'a pause holds critical runs too')
  t.match(await ask('resume', 'tag:disk'), { code: 0, out: 'tag:disk is resumed\n' })
  await until(async () => (await json('show', id)).state === 'completed')
  t.match(await ask('pauses'), { out: 'Nothing is paused.\n' })
  t.match(await ask('resume', 'tag:disk'), { code: 2, err: /There is no pause of tag 'disk'/ })
  t.match(await ask('pause', 'task:plane'), { code: 2, err: /No task has the id 'plane'/ })
  t.match(await ask('pause', 'all', '--until', 'noon'), { code: 2, err: /--until is 'noon': expected an instant/ })
})

t.test('forecast and readings', async t => {
  t.match((await ask('forecast')).out,
    /^WHEN +TASK +START +END +CERTAINTY +TAKES\n[^]*22:00:00 +nightly +on time [^]*22:01:00 +conditional +-\n {4}.*cpu/)
  t.match(await ask('forecast', '--hours', '337'), { code: 2 })
  await until(async () => (await json('readings')).reading.cpu.busy !== 'unknown')
  t.match((await ask('readings')).out, /^power +\S[^]*\ncpu +\d+ %[^]*\nmemory +\d+ %[^]*\nprofile +\w/)
})

t.test('unknown names are errors', async t => {
  t.match(await ask('why', 'nope'), { code: 2, err: /No task has the id 'nope'/ })
  t.match(await ask('why', 'wash', '--at', 'soon'), { code: 2, err: /--at is 'soon'/ })
  t.match((await ask('why', 'wash', '--at', 'yesterday')).out, 'wash: it had no run then\n')
})

t.test('a command finds the server by the configuration, and reports its faults', async t => {
  const cwd = place(t)
  writeFileSync(join(cwd, 'config.json'), '{ "server": { "hots": 1 } }')
  t.match(await cli(['pauses'], { cwd }), { code: 78, err: /config\.json:1:\d+ \/server\/hots/ })
})
