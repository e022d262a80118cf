import t from 'tap'
import { home } from '../manager/home.ts'
import { metered } from '../../core/work/isolate/processes/meter.ts'
import { until } from '../clock.ts'
import type { FullRun } from '../../core/model/run/run.ts'
import type { Owner } from './harness.ts'
import type { Usage } from '../../core/model/run/usage.ts'

const SLOW = { timeout: 240_000 }
const PLACES = ['thread', 'process'] as const
const MIB = 2 ** 20

/** The text of a task file with one task, `name.place`, for each body and place. */
const fileOf = (bodies: Record<string, string>, fields: object) => `
  const wait = ms => new Promise(done => setTimeout(done, ms))
  const bodies = { ${Object.entries(bodies).map(([name, body]) => `${name}: async ctx => { ${body} }`).join(',\n')} }
  export const TASK_DEFINITIONS = ${
  JSON.stringify(PLACES)
}.flatMap(isolation => Object.entries(bodies).map(([name, func]) =>
    ({ id: name + '.' + isolation, func, isolation, max_retries: 0, ...${JSON.stringify(fields)} })))`

async function setup (
  t: Owner,
  { bodies = {}, fields = {}, files = {} }: { bodies?: Record<string, string>, fields?: object,
    files?: Record<string, string> }
) {
  const it = await home(t, { files: { 'tasks.mjs': fileOf(bodies, fields), ...files }, abortGraceMs: 600 })
  await it.manager.start()
  const { desk, engine } = it.manager
  const ended = async (task: string): Promise<FullRun> => {
    const { run: { id } } = await desk.enqueue(task)
    await until(`${task} is over`, async () => ['completed', 'failed'].includes((await engine.get(id))!.state))
    return (await engine.get(id))!
  }
  return { ended }
}

t.test(
  'memory_limit covers threads, processes and scripts, with Buffers and children, and names both sizes [F10, F30]',
  SLOW,
  async t => {
    const grows = 'const kept = []; for (;;) { kept.push(Buffer.alloc(20e6, 1)); await wait(30) }'
    const node = JSON.stringify(process.execPath)
    const header = (id: string) => `#!/bin/sh\n# offpeak: id = ${id} ; memory_limit = 96 MiB ; max_retries = 0\n`
    const script = (id: string, code: string) => `${header(id)}${node} -e '${code}' &\nwait\nexit 0\n`
    const { ended } = await setup(t, {
      bodies: { buffers: grows, modest: 'const kept = Buffer.alloc(20e6, 1); await wait(400); return kept.length' },
      fields: { memory_limit: '96 MiB' },
      files: {
        'grows.sh': script('grows.script', 'const kept = []; setInterval(() => kept.push(Buffer.alloc(20e6, 1)), 30)'),
        'modest.sh': `${header('modest.script')}sleep 0.4; echo "::result 20000000"\n`
      }
    })
    for (const task of ['buffers.thread', 'buffers.process', 'grows.script']) {
      const { state, error } = await ended(task)
      t.match({ state, code: error?.code }, { state: 'failed', code: 'OFFPEAK_OUT_OF_MEMORY' }, task)
      const [, limit, held] =
        /^ran out of memory: its memory_limit is (\d+) MiB, and it held (\d+) MiB$/.exec(error!.message) ?? []
      t.equal(limit, '96', error!.message)
      t.ok(Number(held) > 96 && Number(held) < 1500, error!.message)
    }
    for (const task of ['modest.thread', 'modest.process', 'modest.script']) {
      t.match(await ended(task), {
        state: 'completed',
        result: 20_000_000
      }, task)
    }
  }
)

t.test('memory held before the task begins does not count', SLOW, async t => {
  // Node alone holds more than 32 MiB.
  const { ended } = await setup(t, { bodies: { idle: 'await wait(400)' }, fields: { memory_limit: '32 MiB' } })
  t.match(await ended('idle.process'), { state: 'completed' })
})

t.test('a child does not raise the limit of its process', SLOW, async t => {
  const withChild = (bytes: number) => `
    const { spawn } = await import('node:child_process')
    const child = spawn('sleep', ['20'])
    const kept = Buffer.alloc(${bytes}, 1)
    await wait(3000)
    child.kill()
    return kept.length`
  const { ended } = await setup(t, {
    bodies: { within: withChild(5e6), over: withChild(60e6) },
    fields: { memory_limit: '40 MiB' }
  })
  t.match(await ended('within.process'), { state: 'completed', result: 5e6 })
  t.match(await ended('over.process'), { state: 'failed', error: { code: 'OFFPEAK_OUT_OF_MEMORY' } })
})

t.test('memory over the limit ends a run only if both measures exceed it', async t => {
  const seen: Usage = { cpu_seconds: 0, memory_peak_bytes: 200 * MIB, read_bytes: null, written_bytes: null }
  const over: number[] = []
  let held = 90 * MIB
  const meter = metered(() => seen, {
    bytes: 100 * MIB,
    seen: used => used.memory_peak_bytes,
    held: () => held,
    over: bytes => void over.push(bytes)
  })
  await meter.look()
  t.strictSame(over, [], 'shared pages count once')
  held = 101 * MIB
  await meter.look()
  await meter.look()
  t.strictSame(over, [101 * MIB], 'it is reported once')
  meter.end()
})
