import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { spawn } from '../child.ts'
import { until } from '../load/until.ts'
import { logForm } from '../../core/cli/serve/log-form.ts'
import { terminalLog } from '../../core/cli/serve/terminal-log.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { Run } from '../../core/model/run/run.ts'
import { BIN, launch, place } from './setup.ts'

const ESCAPE = String.fromCodePoint(0x1b)
const SCRIPT = '/usr/bin/script'

const TICKS = `export const TASK_DEFINITIONS = [
  { id: 'tick', trigger: 'interval', trigger_args: { seconds: 1 }, constraints: {}, max_retries: 0,
    func: () => { throw new Error('it \\u001b[31mbroke') } },
  { id: 'rests', enabled: false, func: () => 1 }]`

const unheld = { resources: { cpu_limit: 1, io_limit: 1, memory_limit: 1 } }

function shown (notices: readonly Notice[], level = 'info'): string[] {
  const lines: string[] = []
  const { listener, log } = terminalLog({ level, now: () => 0, write: line => void lines.push(line) })
  void listener({ kind: 'started', owner: 'me', tasks: 0, recovered: 0 })
  for (const notice of notices) void listener(notice)
  log.info('a request')
  log.error({ err: new Error('why') }, 'failed')
  return lines
}

const run = (more: Partial<Run>) =>
  ({ id: 'r1', task: 'tick', attempt: 1, due_at: 3000, error: null, reason: null, warning: null, ...more }) as Run

t.test('an event is one line: the task, what happened, and the reason', async t => {
  const lines = shown([
    { kind: 'held', run: run({}), code: 'on_battery', message: 'on battery (18 %),\nneeds mains' },
    { kind: 'claimed', run: run({ attempt: 2 }) },
    { kind: 'settled', run: run({ state: 'completed' }), outcome: 'completed', ms: 12 },
    {
      kind: 'settled',
      run: run({ state: 'queued', error: { name: 'Error', message: 'no' } as Run['error'] }),
      outcome: 'failed',
      ms: 1
    },
    {
      kind: 'settled',
      run: run({ state: 'failed', error: { name: 'Error', message: 'no' } as Run['error'] }),
      outcome: 'failed',
      ms: 1
    },
    { kind: 'config_refused', message: 'config.json:1:3 is not JSON' },
    { kind: 'clock_jumped', ms: 5 },
    { kind: 'missed', task: 'tick', schedule: 'tick', count: 2, policy: 'run_latest', from: 0, to: 1 },
    { kind: 'added', run: run({}) }
  ]).map(line => line.replace(/^\d\d:\d\d:\d\d {2}/, '').replaceAll(/ {2,}/g, ' | '))
  t.strictSame(lines, [
    'tick | held | on battery (18 %), needs mains',
    'tick | started | r1, attempt 2',
    'tick | completed | in 12 ms',
    'tick | retrying | no; again in 3 s',
    'tick | failed | no (offpeak show r1)',
    'offpeak | config | refused, the last good one stays in force: config.json:1:3 is not JSON',
    'offpeak | warn | the wall clock jumped',
    'tick | missed | 2 fires: run_latest',
    'offpeak | error | failed: why'
  ])
})

t.test('events below the level of the log make no line', async t => {
  t.equal(shown([{ kind: 'claimed', run: run({}) }], 'warn').length, 1)
})

t.test('the log is text on a terminal and JSON elsewhere, unless --log says otherwise', async t => {
  t.equal(logForm(undefined, true), 'pretty')
  t.equal(logForm(undefined, false), 'json')
  t.equal(logForm('json', true), 'json')
  t.equal(logForm('pretty', false), 'pretty')
})

t.test('--log pretty begins with a summary, and escapes what tasks say', async t => {
  const cwd = place(t, { ...unheld, tasks: { tik: {} } }, { 'a.mjs': TICKS, 'b.mjs': 'export default {' })
  const { child, output } = launch(['start', '--log', 'pretty'], { cwd })
  t.teardown(() => child.kill('SIGKILL'))
  await until(() => output.out.includes('failed'))
  child.kill('SIGTERM')
  await once(child, 'close')
  t.match(output.err, /offpeak \d+\.\d+\.\d+ answers at http:\/\/127\.0\.0\.1:\d+\n/)
  t.match(output.err, `in ${join(cwd, 'data', 'token')}`)
  t.match(output.err, /1 on, 1 off, 0 held, 1 broken file\n/)
  t.match(output.err, /next +tick in/)
  t.match(output.err, /config +.*No task has the id 'tik'\. Did you mean 'tick'\?/)
  t.notMatch(output.out, /'tik'/, 'it is in the summary')
  t.match(output.err, /broken +b\.mjs:\d+/)
  t.match(output.out, /^\d\d:\d\d:\d\d {2}tick +started +\w+\n/)
  t.match(output.out, /tick +failed +it \\u001b\[31mbroke \(offpeak show \w+\)\n/)
  t.notMatch(output.out, /^\{/m)
})

/** Starts a server on a pseudo-terminal, which is gone when the child is. */
function onPty (cwd: string, env: Record<string, string>, words = '') {
  const { PATH, HOME } = process.env
  const command = `exec '${process.execPath}' '${BIN}' start ${words}`
  const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
    cwd,
    env: { PATH, HOME, TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const shownThere = { out: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    shownThere.out += chunk.toString()
  })
  return { child, shownThere, closed: once(child, 'close') }
}

/** Resolves to everything that a server shows on a terminal until its first failed run. */
async function onTerminal (cwd: string, env: Record<string, string>, words = ''): Promise<string> {
  const { child, shownThere, closed } = onPty(cwd, env, words)
  await until(() =>
    shownThere.out.includes('failed') || shownThere.out.includes('"outcome":"failed"') ||
    child.exitCode !== null
  )
  // What a terminal makes of Ctrl-C.
  child.stdin.write('\u0003')
  await closed
  return shownThere.out
}

t.test('on a terminal lines are coloured, unless NO_COLOR is set', { skip: !existsSync(SCRIPT) }, async t => {
  const cwd = place(t, unheld, { 'a.mjs': TICKS })
  const coloured = await onTerminal(cwd, {})
  t.match(coloured, `${ESCAPE}[31mfailed`)
  t.match(coloured, `${ESCAPE}[1moffpeak`)
  const plain = await onTerminal(cwd, { NO_COLOR: '1' })
  t.match(plain, /tick +failed/)
  t.notOk(plain.includes(`${ESCAPE}[`))
  t.match(await onTerminal(cwd, {}, '--log json'), /"notice":"settled"/)
})

t.test('a server ends when its terminal is closed', { skip: !existsSync(SCRIPT) }, async t => {
  const cwd = place(t, unheld, { 'a.mjs': TICKS })
  const file = join(cwd, 'data', 'server.json')
  const { child } = onPty(cwd, {})
  await until(() => existsSync(file))
  child.kill('SIGKILL')
  await until(() => !existsSync(file))
  const reopened = await onTerminal(cwd, { TERM: 'dumb' })
  t.match(reopened, /tick +failed/, 'the data folder is free')
  t.notOk(reopened.includes(`${ESCAPE}[`), 'a terminal without colours gets none')
})
