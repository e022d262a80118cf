import { fakeSenses } from './fake-senses.ts'
import { home } from '../manager/home.ts'
import { systemClock } from '../../core/model/base/clock.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'

export const MODES = ['inline', 'thread', 'process'] as const
export const SLOW = { timeout: 240_000 }

/** The text of a TypeScript file with a task, `name.mode`, for each body and isolation. */
const fileOf = (bodies: Record<string, string>, fields = '{}') => `
type Ctx = any
interface Anything { [key: string]: unknown }
const bodies: Record<string, (ctx: Ctx) => unknown> = { ${
  Object.entries(bodies).map(([name, body]) => `${name}: async (ctx: Ctx): Promise<unknown> => { ${body} }`).join(',\n')
} }
const modes = ${JSON.stringify(MODES)}
export const TASK_DEFINITIONS: Anything[] = modes.flatMap(isolation => Object.entries(bodies).map(([name, func]) =>
  ({ id: name + '.' + isolation, func, isolation, max_retries: 1,
    backoff: { kind: 'fixed', delay: 0.01, jitter: 0 }, ...(${fields}) })))
`

/** A started manager with tasks of these bodies in each isolation, and fake senses. `ended` runs a task to its end. */
export async function everywhere (
  t: Owner,
  bodies: Record<string, string>,
  { fields, config = {}, files = {} }: { fields?: string, config?: object, files?: Record<string, string> } = {}
) {
  const fake = fakeSenses(systemClock)
  const it = await home(t, {
    files: { 'everywhere.ts': fileOf(bodies, fields), ...files },
    config,
    senses: fake.senses,
    abortGraceMs: 400
  })
  await it.manager.start()
  t.teardown(() => it.manager.stop())
  const { desk, engine } = it.manager
  const ended = async (task: string, ask: object = {}) => {
    const { run } = await desk.enqueue(task, ask)
    await until(`${task} is over`,
      async () => ['completed', 'failed', 'skipped', 'cancelled'].includes((await engine.get(run.id))!.state))
    return (await engine.get(run.id))!
  }
  return { ...it, ...fake, ended }
}
