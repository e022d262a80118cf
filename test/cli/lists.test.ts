import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli, place, serve } from './setup.ts'
import { forecastWords } from '../../core/cli/command/forecast.ts'
import type { ForecastView } from '../../core/cli/remote/answers.ts'
import { table, widthOf } from '../../core/cli/terminal/table.ts'
import { until } from '../load/until.ts'

const TASKS = {
  'throws.mjs': `const inner = () => { throw new Error('it broke') }
    export default { id: 'throws', max_retries: 0, func: async () => { await null; inner() } }`,
  'more.mjs': `export const TASK_DEFINITIONS = [
    { id: 'early', trigger: '30 3 * * *', timezone: 'Pacific/Kiritimati', func: () => 1 },
    { id: 'hourly', trigger: '0 * * * *', func: () => 1 },
    { id: 'off', enabled: false, trigger: '0 * * * *', func: () => 1 },
    { id: 'sunny', func: () => 1, constraints: { signals: { solar: '> 500' } } },
    { id: 'counts', func: ctx => {
      ctx.progress.setTotal(10, 'files')
      ctx.progress.advance(5, 'a.txt')
      return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    } }]`
}
const CALM_MACHINE = { resources: { cpu_limit: 1, io_limit: 1, memory_limit: 0.999 } }

const cwd = place(t, CALM_MACHINE, TASKS)
const server = await serve(t, [], { cwd })
const ask = (...words: string[]) => cli(words, { cwd })
const say = async (...words: string[]) => (await ask(...words)).out
const json = async (...words: string[]) => JSON.parse(await say(...words, '--json'))

t.test('disabled tasks are folded away, unless they are asked for', async t => {
  const folded = await say('tasks')
  t.match(folded, /\nhourly +scheduled .*\n[^]*\n1 disabled, 15 built-in tasks off: offpeak tasks --all\n$/)
  t.notMatch(folded, /^off /m)
  t.match(await say('tasks', '--all'), /^off +disabled /m)
  t.match(await say('tasks', '--status', 'disabled'), /^TASK.*\noff +disabled .*\n$/)
  t.equal((await json('tasks')).length, 6, 'JSON has them all')
})

t.test('the error of a task comes with the first frame of its own', async t => {
  const { id } = await json('run', 'throws', '--wait')
  const words = /it broke \(at throws\.mjs:1:29\)/
  t.match(await say('retry', id), id)
  await until(async () => (await json('show', id)).state === 'failed')
  for (const line of [['show', id], ['logs', id], ['runs'], ['dead'], ['run', 'throws', '--wait']]) {
    t.match(await say(...line), words, line[0])
  }
  t.match(await json('show', id), { error: { message: 'it broke', at: 'throws.mjs:1:29' } })
  t.match(server.output.out, /"error":"it broke","at":"throws\.mjs:1:29"/, 'the log')
  t.match(await say('test', 'backgroundtask/throws.mjs'),
    /^throws failed: it broke\n +at inner \(.*throws\.mjs:1:29\)\n +at .*throws\.mjs:2:/, 'test prints the whole stack')
})

t.test('runs are listed by the states in which they are shown', async t => {
  const held = await json('enqueue', 'sunny')
  // Beyond the hours of every forecast here.
  const due = new Date(Date.now() + 3 * 24 * 60 * 60 * 1000).toISOString()
  const later = await json('enqueue', 'hourly', '--due', due)
  await until(async () => (await json('show', held.id)).label === 'held')
  const ids = async (...states: string[]) =>
    (await json('runs', '--state', states.join(','))).items.map(({ id }: { id: string }) => id)
  t.strictSame(await ids('held'), [held.id])
  t.strictSame(await ids('scheduled'), [later.id])
  t.strictSame(await ids('scheduled', 'held'), [later.id, held.id])
  t.strictSame(await ids('queued'), [later.id, held.id])
  t.equal((await ids('dead')).length, 2)
  t.strictSame(await ids('retrying'), [])
  t.strictSame((await json('runs', '--state', 'held,scheduled', '--limit', '1')).items.length, 1)
  t.match(await ask('cancel', '--state', 'held'), { code: 2, err: /cancel takes no --state held: [^]*offpeak runs/ })
  t.match(await say('delete', '--state', 'dead', '--dry-run'), /^2 runs would be deleted/)
})

t.test('progress is shown while a run runs', async t => {
  const { id } = await json('run', 'counts')
  await until(async () => (await json('show', id)).progress !== null)
  t.match(await say('show', id), /\nstate +running\nprogress +\[#{12} {12}\] 50 % 5\/10 files.*: a\.txt\n/)
  t.match(await say('runs'), new RegExp(`${id} +counts +running .*\\[#{12}\\.{12}\\] 50 % 5/10 files`))
  await ask('cancel', id)
})

t.test('a list takes the name of a task', async t => {
  t.match(await ask('tasks', 'hourly'), { code: 0, out: /^TASK .*\nhourly +\w+ [^\n]*\n$/ })
  t.match(await json('tasks', 'hourly'), [{ id: 'hourly' }])
  t.match(await say('tasks', 'off'), /\noff +disabled /, 'a disabled one too')
  t.match(await ask('schedules', 'hourly'), { code: 0, out: /^SCHEDULE .*\nhourly +hourly [^\n]*\n$/ })
  t.match(await ask('schedules', 'sunny'), { code: 0, out: 'There are no schedules.\n' })
  t.match(await ask('schedules', 'show', 'hourly'), { code: 0, out: /^hourly\n/ }, 'a command below goes first')
  const forecast = await say('forecast', 'hourly', '--hours', '5')
  t.equal(forecast.match(/ hourly /g)!.length, 5)
  t.equal(forecast, await say('forecast', '--task', 'hourly', '--hours', '5'))
  for (const list of ['tasks', 'schedules', 'forecast']) {
    t.match(await ask(list, 'hurly'), { code: 2, err: /Did you mean 'hourly'/ }, list)
  }
  t.match(await say('help', 'logs'), /^Usage: offpeak logs .*<task\|run>/)
})

t.test('the forecast has a line for each task', async t => {
  const folded = await say('forecast', '--hours', '5')
  t.equal(folded.match(/ hourly /g)!.length, 1)
  // The last one may be tomorrow: it then has a date, and its line is broken.
  t.match(folded.replace(/\s+/g, ' '), / hourly .* 4 more, the last (?:\d{4}-\d\d-\d\d )?\d\d:00:00 /)
  t.equal((await say('forecast', '--hours', '5', '--all')).match(/ hourly /g)!.length, 5)
  const one = await say('forecast', '--hours', '5', '--task', 'hourly')
  t.equal(one.match(/ hourly /g)!.length, 5)
  t.notMatch(one, /sunny|more, the last/)
  t.match(await ask('forecast', '--task', 'hurly'), { code: 2, err: /Did you mean 'hourly'/ })
})

t.test('a forecast fits the terminal: when and what in a row, ranges and reasons in the lines below it', async t => {
  const at = (time: string) => `2026-01-02T${time}:00.000Z`
  const message = 'the processors are busy: 94 %, needs at most 50 %'
  const start = {
    task: 'cleanup_old_files',
    stage: 'fire',
    nominal_at: at('21:50'),
    earliest_at: at('21:50'),
    likely_at: at('21:50'),
    latest_at: null,
    ends_at: null,
    certainty: 'conditional',
    depends_on: [{ gate: 'memory', ok: true, message: '' }, { gate: 'cpu', ok: false, message }],
    took: null
  } as unknown as ForecastView
  const lines = (over: Partial<ForecastView>, room: number) =>
    forecastWords({ starts: [{ ...start, ...over }], zones: new Map(), isWhole: true }, room).split('\n')
  for (const room of [60, 80, Infinity]) {
    const [, row, ...below] = lines({}, room)
    t.match(row, /^2026-01-02 \d\d:50:00 {2}cleanup_old_files {2}on time /, `${room}`)
    t.match(below.map(line => line.trim()).join(' '),
      /^starts 2026-\S+ \S+ or later; depends on cpu \(the .*\), memory$/)
    t.ok([row!, ...below].every(line => line.length <= Math.max(room === Infinity ? 100 : room, 76)))
  }
  const below = (over: Partial<ForecastView>) => lines({ depends_on: [], ...over }, 80).slice(2).join('\n')
  t.match(below({ likely_at: null }), /^ {4}starts 2026-\S+ \S+ or later$/)
  t.match(below({ latest_at: at('22:10') }), /^ {4}starts 2026-\S+ \S+ to 2026-\S+ \S+$/)
  t.match(below({ likely_at: null, earliest_at: null }), '    cannot start as things stand')
  t.equal(below({ latest_at: at('21:50') }), '', 'a single instant needs no range')
})

t.test('instants are shown in the zone of the reader, and in that of the schedule if it is another', async t => {
  t.match(await say('tasks'), /\nearly .*\(Pacific\/Kiritimati\) .* in .*, (?:\S+ )?13:30:00 here\n/)
  t.match(await say('tasks'), /\nhourly .* in [^,]*\n/)
  const both = /13:30:00 \((?:\S+ )?03:30:00 in Pacific\/Kiritimati\)/
  await ask('enqueue', 'early', '--due', `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)}T13:30:00Z`)
  for (const line of [['show', 'early'], ['why', 'early'], ['forecast', '--hours', '48']]) {
    t.match(await say(...line), both, line[0]!)
  }
  t.notMatch(await say('why', 'hourly'), /in UTC/)
  const { out } = await cli(['show', 'early'], { cwd, env: { TZ: 'Pacific/Kiritimati' } })
  t.match(out, /\ndue .*03:30:00\n/)
})

t.test('what is paused is shown as paused', async t => {
  await ask('pause', 'all', '--for', '1h')
  t.match(await say('tasks'), /\nhourly +paused until .* by cli:\S+ [^]*\nsunny +paused until /)
  t.match(await json('tasks', '--status', 'paused'), [{ id: 'counts' }, { id: 'early' }, {
    id: 'hourly',
    paused: { scope: 'all' }
  }, {
    id: 'sunny'
  }, { id: 'throws' }])
  t.match(await say('runs', '--state', 'paused'), /^RUN.*\n\w+ +sunny +paused /)
  t.match(await say('show', 'sunny'), /\nstate +paused\n/)
  t.match(await say('status'), /^(?:ok|degraded)\n(?: .*\n)* {2}paused: all by cli:\S+, until /)
  t.match(await say('top'), /\nNEXT\n[^]* hourly +in .*, paused\n/)
  t.match(await say('queues'), /^default .* by cli:/m)
  t.match(await say('why', 'hourly'), /everything is paused by cli/)
  await ask('resume', 'all')
  t.match(await say('tasks'), /\nhourly +queued /)
})

t.test('what is wrong on disk is shown where people look, each with its place', async t => {
  const file = join(cwd, 'config.json')
  const config = { server: { port: 0 }, ...CALM_MACHINE, tasks: { hurly: {} } }
  writeFileSync(join(cwd, 'backgroundtask', 'broken.mjs'), 'export default {')
  writeFileSync(file, JSON.stringify(config))
  await until(async () => (await say('health')).includes('hurly'))
  writeFileSync(file, JSON.stringify({ ...config, sever: 1 }))
  await until(async () => (await say('health')).includes('configuration: '))
  await until(async () => (await say('health')).includes('broken: '))
  const refused = `${file}:1:\\d+ /sever: unknown key 'sever': did you mean 'server'\\?`
  const unknown = `${file}:1:\\d+ /tasks/hurly: No task has the id 'hurly'\\. Did you mean 'hourly'\\?`
  const broken = 'broken\\.mjs:1\\S*: cannot be read: '
  const health = await ask('status')
  t.equal(health.code, 1)
  for (const line of [`configuration: ${refused} Correct it`, `broken: ${broken}`, `warning: ${unknown}`]) {
    t.match(health.out, new RegExp(`^  ${line}`, 'm'))
  }
  const tasks = await say('tasks')
  for (const line of [`configuration refused: ${refused}`, `broken: ${broken}`, `warning: ${unknown}`]) {
    t.match(tasks, new RegExp(`^${line}`, 'm'))
  }
  t.match(server.output.out, /"notice":"config_refused","message":".*did you mean 'server'/)
  t.match(server.output.out, /"notice":"config_warning","code":"unknown_task".*'hurly'/)
})

t.test('mistyped words are answered with the nearest one', async t => {
  const suggests = async (word: string, ...line: string[]) => {
    const { code, err } = await ask(...line)
    t.equal(code, 2, line.join(' '))
    t.match(err, new RegExp(`\\(?Did you mean '?${word}'?\\?`))
  }
  await suggests('tasks', 'tsaks')
  await suggests('tasks', 'help', 'taks')
  await suggests('--all', 'tasks', '--al')
  await suggests('high', 'run', 'hourly', '--priority', 'hihg')
  await suggests('held', 'runs', '--state', 'hedl')
})

t.test('the widest column is cut first, and the others only when they are the widest', async t => {
  const head = ['TASK', 'STATUS', 'SCHEDULE', 'LAST', 'NEXT']
  const row = ['disk_space', 'held (cpu busy)', 'At 09:00, every day (Europe/Berlin)', 'completed 2 h ago',
    'in 12 h 22 m']
  const cells = (room: number) => table(head, [row], room).split('\n')[1]!.split(/ {2,}/)
  t.strictSame(cells(80), [...row.slice(0, 2), 'At 09:00, every d…', ...row.slice(3)])
  t.strictSame(cells(70), ['disk_space', 'held (cpu bu…', 'At 09:00, ev…', 'completed 2 h…', 'in 12 h 22 m'])
  t.match(table(['SCHEDULE', 'WHEN'], [['6h02v5ayg00', 'w'.repeat(60)]], 30).split('\n')[1], /^6h02v5ayg00 .*…$/)
})

t.test('what is typed or copied is never cut, and nothing is without a width', async t => {
  const head = ['RUN', 'TASK', 'WHY']
  const row = ['6h02v5ayg00', 'a_task_with_a_rather_long_name_indeed', 'w'.repeat(60)]
  for (const room of [60, 20, 1]) {
    const [, line] = table(head, [row], room).split('\n')
    t.match(line, new RegExp(`^${row[0]}  ${row[1]}  w{7,}…$`), `${room} columns`)
  }
  t.ok(table(head, [row], 80).split('\n').every(line => widthOf(line) <= 80))
  t.equal(table(head, [row]).split('\n')[1], row.join('  '), 'no terminal')
  const { isTTY, columns } = process.stdout
  t.teardown(() => Object.assign(process.stdout, { isTTY, columns }))
  Object.assign(process.stdout, { isTTY: true, columns: 0 })
  t.match(table(head, [row]).split('\n')[1], row.join('  '), 'a terminal that reports 0 columns')
})
