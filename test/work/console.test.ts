import t from 'tap'
import { spawn } from '../child.ts'
import { once } from 'node:events'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { CALM } from '../calm.ts'
import { OutputCapture } from '../../core/work/context/output-capture.ts'
import { RunOutput } from '../../core/work/context/run-output.ts'
import { home } from '../manager/home.ts'
import { runScope } from '../../core/work/context/scope.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'

const SLOW = { timeout: 240_000 }
const MODES = ['inline', 'thread', 'process'] as const

/** Code that writes to the streams without console. */
const DIRECT = `
  process.stdout.write('in ')
  process.stdout.write(Buffer.from('parts \\u00e9\\n'))
  await new Promise(done => process.stderr.write('called back\\n', 'utf8', done))
  process.stdout.write('without an end')`

const LOGGING = `
  console.log('said %s', 'out loud', { n: 1 })
  console.info('two\\nlines')
  console.error('warned')
  console.warn(new Error('odd').message)
  console.table([{ a: 1 }])
  await new Promise(done => setTimeout(() => { console.log('from a timer'); done() }, 1))
  if (!ctx.task.endsWith('inline')) { ${DIRECT} }
  return 1`

async function setup (t: Owner, body: string) {
  const file = `const func = async (ctx: any) => { ${body} }
    export const TASK_DEFINITIONS = ${
    JSON.stringify(MODES)
  }.map(isolation => ({ id: 'talk.' + isolation, isolation, max_retries: 0, func }))`
  const it = await home(t, {
    files: {
      'talk.ts': file,
      'script.sh': '#!/bin/sh\n# offpeak: id = talk.script ; max_retries = 0\necho out; echo err >&2\n'
    }
  })
  await it.manager.start()
  const ended = async (task: string) => {
    const { run } = await it.manager.desk.enqueue(task)
    await until(`${task} is over`,
      async () => ['completed', 'failed'].includes((await it.manager.engine.get(run.id))!.state))
    return (await it.manager.engine.get(run.id))!
  }
  const lines = async (id: string) =>
    (await it.manager.desk.logs({ id, after: 0, limit: 100 })).map(({ level, text }) => `${level} ${text}`)
  return { ...it, ended, lines }
}

t.test('console and the standard streams are written to the log of the run', SLOW, async t => {
  const { ended, lines } = await setup(t, LOGGING)
  const table = [
    '┌─────────┬───┐',
    '│ (index) │ a │',
    '├─────────┼───┤',
    '│ 0       │ 1 │',
    '└─────────┴───┘'
  ]
  const logged = ['30 said out loud { n: 1 }', '30 two', '30 lines', '40 warned', '40 odd',
    ...table.map(line => `30 ${line}`), '30 from a timer']
  const direct = ['30 in parts é', '40 called back', '30 without an end']
  for (const mode of MODES) {
    const { id, state } = await ended(`talk.${mode}`)
    const written = mode === 'inline' ? logged : [...logged, ...direct]
    t.equal(state, 'completed', mode)
    // The two streams of a process are read concurrently: their order is compared for each level.
    const found = await lines(id)
    for (const level of ['30', '40']) {
      t.strictSame(found.filter(line => line.startsWith(level)), written.filter(line => line.startsWith(level)),
        `${mode} ${level}`)
    }
    if (mode !== 'process') t.strictSame(found, written, mode)
  }
  const { id } = await ended('talk.script')
  t.strictSame((await lines(id)).toSorted(), ['30 out', '40 err'])
})

t.test('output of a run, also after its end, never reaches the standard output of the host', SLOW, async t => {
  const late = `console.log('seen'); setTimeout(() => console.log('late'), 30); return 1`
  const { root, manager } = await setup(t, late)
  await manager.stop()
  const host = `
    import { createManager } from ${JSON.stringify(join(import.meta.dirname, '../../core/index.ts'))}
    const manager = await createManager({ configFile: ${JSON.stringify(join(root, 'config.json'))}, env: process.env })
    await manager.start()
    console.log('of the host')
    for (const mode of ${JSON.stringify(MODES)}) {
      const { run } = await manager.desk.enqueue('talk.' + mode)
      while ((await manager.engine.get(run.id)).state !== 'completed') await new Promise(r => setTimeout(r, 20))
    }
    await new Promise(r => setTimeout(r, 100))
    await manager.stop()
    process.exit(0)`
  writeFileSync(join(root, 'host.mjs'), host)
  const child = spawn(process.execPath, [join(root, 'host.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: root, ...CALM }
  })
  const written = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      written[name] += chunk
    })
  }
  await once(child, 'close')
  t.equal(written.stdout, 'of the host\n')
  t.match(written.stderr, /late/, 'late output goes to standard error')
  t.notMatch(written.stderr, /seen/)
})

t.test('the standard output of the server holds only log records, whatever tasks write [S32]', SLOW, async t => {
  const { root, manager } = await setup(t, `console.log('seen'); ${DIRECT}; return 1`)
  await manager.stop()
  const bin = join(import.meta.dirname, '../../bin/offpeak.js')
  const child = spawn(process.execPath, [bin, 'start', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, HOME: root, ...CALM }
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  const offpeak = async (...words: string[]) =>
    await once(spawn(process.execPath, [bin, ...words], { cwd: root, stdio: 'ignore' }), 'exit')
  await until('it answers', () => /listening/i.test(out))
  for (const mode of MODES) t.strictSame(await offpeak('run', `talk.${mode}`, '--wait'), [0, null], mode)
  child.kill('SIGTERM')
  await once(child, 'close')
  const lines = out.trim().split('\n')
  t.ok(lines.length > 5)
  t.strictSame(lines.filter(line => !line.startsWith('{')), [])
  t.notMatch(out, /without an end/)
})

t.test('the streams are unchanged outside a run, and restored when the last capture stops', async t => {
  const { write } = process.stdout
  const ofConsole = Object.getOwnPropertyDescriptor(console, '_stdout')
  const [first, second] = [new OutputCapture({ of: 'streams' }), new OutputCapture({ of: 'streams' })]
  await first.start()
  await first.start()
  await second.start()
  await first.stop()
  t.not(process.stdout.write, write, 'the other capture is active')
  const lines: string[] = []
  const output = new RunOutput(() => ({
    info: text => void lines.push(String(text)),
    warn: text => void lines.push(`! ${String(text)}`)
  }))
  const answers = runScope.run({ id: 'r', task: 'work', output }, () => [
    process.stdout.write('a\r\nb', 'utf8'),
    process.stderr.write(new Uint8Array([0xc3])),
    process.stderr.write(new Uint8Array([0xa9]))
  ])
  t.strictSame([lines, answers], [['a'], [true, true, true]])
  output.end()
  t.strictSame(lines, ['a', 'b', '! é'])
  await second.stop()
  t.equal(process.stdout.write, write)
  t.strictSame(Object.getOwnPropertyDescriptor(console, '_stdout'), ofConsole)
})
