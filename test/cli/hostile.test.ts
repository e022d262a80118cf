import t from 'tap'
import type { Test } from 'tap'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { spawn } from '../child.ts'
import { served } from '../process/server.ts'
import { shown } from '../../core/model/json/shown.ts'
import { until } from '../clock.ts'

t.setTimeout(400_000)

const ROOT = resolve(import.meta.dirname, '../..')
const BIN = join(ROOT, 'bin/offpeak.js')

const CODES = [0x00, 0x07, 0x08, 0x0b, 0x0d, 0x1b, 0x7f, 0x85, 0x9b, 0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028,
  0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xe0041]
/** One of everything, with a sequence that clears a terminal. */
const HOSTILE = `ho\u001B[2J\u001B]0;x\u0007st${CODES.map(code => String.fromCodePoint(code)).join('_')}ile \uD800 `
/** Whatever does something to a terminal or a reader that it does not show. */
const RAW = new RegExp(
  `[${
    CODES.map(code => `\\u{${code.toString(16)}}`).join('')
  }\\u{1}-\\u{8}\\u{e}-\\u{1f}\\u{80}-\\u{9f}\\u{202b}-\\u{202d}\\u{2067}\\u{2068}]`,
  'u'
)

const words = JSON.stringify(HOSTILE)
const TASKS = {
  'hostile.mjs': `const words = ${words}
console.log(words); console.error(words); process.emitWarning(words)
process.stdout.write(words + '\\n'); process.stderr.write(Buffer.from(words + '\\n'))
const trouble = () => Object.assign(new Error(words), { name: words, code: words })
export const TASK_DEFINITIONS = [
  { id: 'echo', name: words, description: words, tags: [words.slice(0, 20)], payload: { [words]: words },
    trigger: 'cron', trigger_args: { hour: 3 },
    func: async ctx => {
      ctx.progress.setTotal(2, words); ctx.progress.setStage(words); ctx.progress.setMessage(words)
      ctx.log.warn({ [words]: words }, words)
      console.log(words); await ctx.checkpoint.save(words); return ctx.warn(words, { [words]: [words] }) } },
  { id: 'fails', name: words, max_retries: 0, func: () => { throw trouble() } },
  { id: 'skips', func: ctx => ctx.skip(words) },
  { id: 'late', func: () => { setTimeout(() => { throw trouble() }, 1) } },
  { id: 'stays', func: ctx => {
    ctx.progress.setMessage(words)
    return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(trouble()))) } }]\n`,
  [`br\u001B[2J\u202Eoken.mjs`]: `throw new Error(${words})\n`,
  'head.sh': `#!/bin/sh\n# offpeak: schedule = ${HOSTILE.replaceAll(/[\n\r\0\uD800]/g, '')}\n`
}

t.test('escapes can be decoded as JSON, and ordinary text of every script is unchanged', async t => {
  t.notMatch(shown(HOSTILE), RAW)
  t.notMatch(shown(HOSTILE), /\p{Cs}/u)
  t.equal(JSON.parse(shown(JSON.stringify(HOSTILE))), HOSTILE)
  t.equal(shown(shown(HOSTILE)), shown(HOSTILE))
  for (const text of ['Grüße\tan\nalle', '日本語 🏳️‍🌈 👨‍👩‍👧', 'می‌خواهم', 'שלום', 'é', 'क्‍ष', '\\u001b']) {
    t.equal(shown(text), text)
  }
  t.equal(shown('pay\u200Dpal'), 'pay\\u200dpal', 'a joiner that joins nothing')
})

t.test('only the outermost layer writes to the standard streams', async t => {
  const files = globSync('core/{cli.ts,cli/**/*.ts,log.ts}', { cwd: ROOT })
  const wrong = files.filter(file =>
    file !== join('core/cli/terminal/output.ts') &&
    /console\.|process\.std(?:out|err)\.write|\bout\.write|stdout\.write/.test(readFileSync(join(ROOT, file), 'utf8'))
  )
  t.same(wrong, [])
})

/** `HOSTILE` as an argument of a command, which cannot contain a NUL. */
const ARGUMENT = HOSTILE.replaceAll('\0', '')
const PAYLOAD = { [HOSTILE]: HOSTILE }

/** The ids of a run of each of these tasks. */
type Ids = Record<'echo' | 'fails' | 'skips' | 'stays', string>

/** Commands which read what is stored. */
const reading = ({ echo, fails, skips, stays }: Ids): string[][] => [
  ['tasks'],
  ['runs'],
  ['why', 'echo'],
  ['why', stays],
  ['forecast'],
  ['pauses'],
  ['queues'],
  ['queues', 'default'],
  ['schedules'],
  ['schedules', 'show', 's'],
  ['records'],
  ['dead'],
  ['readings'],
  ['health'],
  ['context'],
  ['completion', 'bash'],
  ['doctor'],
  ['top', '--once'],
  ['stats'],
  ['timeline'],
  ['validate'],
  ['preview', 'echo'],
  ['show', echo],
  ['show', fails],
  ['show', skips],
  ['show', stays],
  ['logs', echo],
  ['logs', fails]
]

/** Commands which change runs and tasks. */
const changing = ({ echo, fails }: Ids): string[][] => [
  ['signal', 'price', HOSTILE.slice(0, 2)],
  ['pause', 'tag:x', '--reason', ARGUMENT],
  ['resume', 'tag:x'],
  ['run', 'echo', '--payload', '@payload.json', '--wait', '--follow'],
  ['run', 'fails', '--payload', '@payload.json', '--wait'],
  ['enqueue', 'skips', '--payload', '@payload.json'],
  ['test', 'backgroundtask/hostile.mjs', '-p', '@payload.json'],
  ['retry', fails],
  ['edit', fails, '--priority', 'high'],
  ['replay', fails],
  ['discard', fails],
  ['now', echo],
  ['promote', echo],
  ['schedules', 'add', 'late', '--every', '1h', '--payload', '@payload.json'],
  ['schedules', 'pause', 's'],
  ['schedules', 'change', ARGUMENT, '--cron', ARGUMENT],
  ['schedules', 'remove', ARGUMENT],
  ['cancel', '--task', 'stays', '--dry-run'],
  ['delete', '--task', 'echo', '--dry-run']
]

/** Commands which quote what they were given. */
const QUOTING: string[][] = [
  ['enable', ARGUMENT],
  ['disable', 'late'],
  ['simulate', '--for', '1h'],
  ['flow', 'payload.json'],
  ['upload', ARGUMENT],
  ['restore', ARGUMENT],
  ['init', ARGUMENT],
  ['new', ARGUMENT],
  ['eject', ARGUMENT],
  ['import', 'crontab', ARGUMENT],
  ['backup', ARGUMENT],
  ['service', 'install', '--print'],
  ['show', ARGUMENT],
  ['token', 'create', ARGUMENT, '--scope', 'read'],
  ['token', 'list'],
  ['start', '--config', ARGUMENT, '--display-only'],
  [ARGUMENT],
  ['help']
]

const WITH_JSON = new Set(['tasks', 'runs', 'why', 'health', 'queues', 'dead', 'show', 'logs', 'validate', 'timeline',
  'run', 'test'])

/** Every command as text, then those of `WITH_JSON` as JSON. */
const commandsFor = (ids: Ids): string[][] => {
  const all = [...reading(ids), ...changing(ids), ...QUOTING]
  return [...all, ...all.filter(([name]) => WITH_JSON.has(name!)).map(args => [...args, '--json'])]
}

/** Runs a command in this folder; returns its exit code and both of its streams. */
const ask = (cwd: string, args: readonly string[]) =>
  new Promise<{ code: number | null, output: string }>(resolve => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, OFFPEAK_CHECK: '', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
    child.on('close', code => resolve({ code, output: Buffer.concat(chunks).toString() }))
  })

/** A server on which each of the tasks has had a run, and `stays` still has one. */
async function hostileServer (t: Test) {
  const server = await served(t, { files: TASKS })
  const { root, call } = server
  mkdirSync(join(root, 'more'))
  writeFileSync(join(root, 'payload.json'), JSON.stringify(PAYLOAD))
  for (const task of ['echo', 'fails', 'skips', 'late', 'stays']) {
    const body = { now: true, key: task === 'echo' ? 'k' : undefined, payload: PAYLOAD }
    t.equal((await call('POST', `/api/tasks/${task}/runs`, body)).status, 202)
  }
  const runs = async (state: string) =>
    ((await call('GET', `/api/runs?state=${state}`)).body as { items: { id: string, task: string }[] }).items
  const over = async () => await runs('completed,failed,skipped')
  await until('they are over', async () => (await over()).length >= 4)
  const found = [...await over(), ...await runs('running')]
  const idOf = (task: string) => found.find(run => run.task === task)!.id
  await call('POST', '/api/schedules', {
    task: 'echo',
    trigger: 'interval',
    trigger_args: { hours: 1 },
    payload: PAYLOAD
  })
  const ids: Ids = { echo: idOf('echo'), fails: idOf('fails'), skips: idOf('skips'), stays: idOf('stays') }
  return { ...server, ids }
}

t.test('no command and no log line prints control sequences of others [S32, S12]', { timeout: 240_000 }, async t => {
  const { root, output, child, exit, ids } = await hostileServer(t)
  const all = commandsFor(ids)
  const asked = new Set(all.map(([name]) => name))
  const known = (await ask(root, ['--help'])).output.split('\nExamples:')[0]!.match(/^ {2}[a-z]+(?= )/gm)!.map(name =>
    name.trim()
  )
  t.same(known.filter(name => !asked.has(name)), [], 'every command is asked')
  let quoted = 0
  for (let at = 0; at < all.length; at += 4) {
    for (const [index, { output }] of (await Promise.all(all.slice(at, at + 4).map(args => ask(root, args))))
      .entries()) {
      if (output.includes('\\u202e')) quoted += 1
      t.notMatch(output, RAW, all[at + index]!.map(word => shown(word).slice(0, 30)).join(' '))
    }
  }
  t.ok(quoted > 20, `it was there to be escaped in ${quoted}`)
  child.kill('SIGTERM')
  await exit
  t.match(output(), /\\u202e/)
  t.notMatch(output(), RAW, 'the log and what tasks say outside of a run')
  for (const line of output().split('\n').filter(one => one.startsWith('{'))) t.ok(JSON.parse(line))
})
