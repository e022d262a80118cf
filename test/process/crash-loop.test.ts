import t from 'tap'
import { left, served } from './server.ts'
import { scratch } from '../work/harness.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'

const FILES = {
  'bad.ts': taskFile('bad', '(await import("node:child_process")).execSync("kill -9 " + process.pid)', {
    max_retries: 0
  }),
  'long.ts': taskFile('long', 'await new Promise(() => undefined)', { max_retries: 0 }),
  'also.ts': taskFile('also', 'await new Promise(() => undefined)', { max_retries: 0 })
}
const CONFIG = { manager: { crash_cap: 3, stop_grace: 0 } }
const MOST_STARTS = 9

interface State {
  state: string
  crashes: number
  reason: { message: string } | null
}

t.test(
  'the run that crashes the process repeatedly fails, and runs beside it do not [F02, F11]',
  { timeout: 240_000 },
  async t => {
    const root = scratch(t)
    const first = await served(t, { root, files: FILES, config: CONFIG })
    const ids: Record<string, string> = {}
    for (const task of ['long', 'also', 'bad']) {
      ids[task] = ((await first.call('POST', `/api/tasks/${task}/runs`, { delay: 1 })).body as { id: string }).id
    }
    await first.exit
    let reasons: string[] = []
    for (let starts = 1; starts < MOST_STARTS; starts++) {
      const it = await served(t, { root, files: FILES, config: CONFIG })
      const stateOf = async (task: string) => (await it.call('GET', `/api/runs/${ids[task]}`)).body as State
      const isOver = async () =>
        it.child.exitCode !== null || it.child.signalCode !== null ||
        (await stateOf('bad').catch(() => null))?.state === 'failed'
      await until('the process ends, or the run that crashes it has failed', async () => {
        const why = await it.call('GET', `/api/runs/${ids.bad}/why`).catch(() => null)
        reasons = [...reasons,
          ...((why?.body as { gates?: { gate: string, ok: boolean, message: string }[] } | undefined)?.gates ?? [])
            .filter(({ gate, ok }) => gate === 'suspect' && !ok).map(({ message }) => message)]
        return await isOver()
      })
      if (it.child.signalCode !== null) continue
      t.match(await stateOf('bad'), { state: 'failed', crashes: 3, reason: { code: 'crashed' } })
      it.child.kill('SIGTERM')
      await it.exit
      break
    }
    t.match(reasons, [/running during 2 crashes of offpeak, waits for a run of \w+, another crash suspect/],
      'why names the run that it waited for')
    const { desk } = await left(t, root)
    t.match(await desk.run(ids.bad!), { state: 'failed', attempt: 0 })
    for (const task of ['long', 'also']) {
      const run = await desk.run(ids[task]!)
      t.not(run.state, 'failed', task)
      t.ok(run.crashes <= 2, `${task} is charged with at most two crashes: ${run.crashes}`)
    }
  }
)
