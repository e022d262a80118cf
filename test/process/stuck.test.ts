import t from 'tap'
import { execFileSync } from '../child.ts'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { MOST_KEPT } from '../../core/work/context/file-calls.ts'
import { scratch } from '../work/harness.ts'
import { served } from './server.ts'
import { until } from '../clock.ts'
import type { Test } from 'tap'

/** A task that reads a pipe without a writer: the call never returns and blocks a thread of the pool, like a file on a
 *  mount whose server is gone. */
const task = (id: string, fields: string, pipe: string) =>
  `import { readFile } from 'node:fs/promises'
  const func = () => readFile(${JSON.stringify(pipe)})
  export default { id: '${id}', max_retries: 0, ${fields}, func }
`

/** A task that needs the thread pool. */
const OTHER = `import { readFile, writeFile } from 'node:fs/promises'
import { lookup } from 'node:dns/promises'
const func = async () => {
  await lookup('localhost')
  await writeFile('f', '1')
  return String(await readFile('f'))
}
export default { id: 'other', func }
`

const open = { skip: process.platform === 'win32' && 'needs mkfifo', timeout: 240_000 }

const opened = (root: string) => {
  const pipe = join(root, 'gone')
  execFileSync('mkfifo', [pipe])
  return pipe
}

interface Health {
  status: string
  reasons: string[]
  io: { ok: boolean, stuck: { run: string, task: string, seconds: number }[] }
}
interface Answer {
  id: string
  state: string
  error: { message: string } | null
}

/** Starts more attempts of a task whose calls hang than may be pending. */
async function refusedBeyondLimit (t: Test, call: Awaited<ReturnType<typeof served>>['call']): Promise<void> {
  const again = async () => ((await call('POST', '/api/tasks/in0/runs', { now: true })).body as Answer).id
  for (let kept = 1; kept < MOST_KEPT; kept++) await again()
  await until('one task has the most pending calls',
    async () =>
      ((await call('GET', '/api/health')).body as Health).io.stuck.filter(({ task: name }) => name === 'in0').length ===
        MOST_KEPT)
  const spared = await again()
  const run = async () => (await call('GET', `/api/runs/${spared}`)).body as Answer
  await until('the next run is refused', async () => (await run()).state === 'failed')
  t.match((await run()).error, {
    code: 'OFFPEAK_IO_STUCK',
    message: `${MOST_KEPT} calls of earlier attempts of 'in0' have not returned`
  })
}

t.test('a hung file system blocks its own runs alone, is reported, and does not delay a stop [F47]', open, async t => {
  const root = scratch(t)
  const pipe = opened(root)
  const inline = Object.fromEntries(
    Array.from({ length: 7 }, (_, at) => [`in${at}.ts`, task(`in${at}`, 'timeout: 1', pipe)])
  )
  const { call, child, exit, output } = await served(t, {
    root,
    config: { manager: { stop_grace: 1 } },
    files: {
      ...inline,
      'apart.ts': task('apart', "isolation: 'process', timeout: 60", pipe),
      'other.ts': OTHER
    }
  })
  const started = new Map<string, string>()
  for (const name of [...Object.keys(inline).map(file => file.replace('.ts', '')), 'apart']) {
    started.set(name, ((await call('POST', `/api/tasks/${name}/runs`, { now: true })).body as Answer).id)
  }
  const run = async (id: string) => (await call('GET', `/api/runs/${id}`)).body as Answer
  await until('the inline runs have timed out', async () => (await run(started.get('in6')!)).state === 'failed')
  t.match((await run(started.get('in0')!)).error, { message: /timeout of 1 s/ })
  const { id } = (await call('POST', '/api/tasks/other/runs', { now: true })).body as Answer
  await until('the other run is completed', async () => (await run(id)).state === 'completed')
  writeFileSync(join(root, 'backgroundtask/new.ts'), "export default { id: 'new', func: () => 1 }\n")
  await until('a new file is found', async () => (await call('GET', '/api/tasks/new')).status === 200)
  const health = async () => (await call('GET', '/api/health')).body as Health
  await until('health names all of them', async () => (await health()).io.stuck.length === started.size)
  const { status, reasons, io } = await health()
  t.same(io.stuck.map(stuck => stuck.run).toSorted(), [...started.values()].toSorted())
  t.equal(status, 'degraded')
  t.match(reasons, [/^io_stuck: .* of '\w+' for \d+ s, nor 7 more/])
  await until('it is in the log', () => /"notice":"io_stuck","id":"\w+","task":"in0"/.test(output()))
  await refusedBeyondLimit(t, call)
  child.kill('SIGTERM')
  t.same(await exit, [0, null])
})
