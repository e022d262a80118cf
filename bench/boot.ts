import type { Ask } from './contest.ts'
import type { Row } from './row.ts'
import { BARE, furnish, serve, serveOffpeak } from './served.ts'
import { contest } from './contest.ts'
import { withFolder } from './place.ts'

const GROUP = 'boot'
const LISTEN = 'bare Fastify: listening'

const bare = async (): Promise<Row[]> => {
  const { readyMs, stop } = await serve([BARE, 'listen'])
  await stop()
  return [{ group: GROUP, name: LISTEN, unit: 'ms', value: readyMs }]
}

/** From the start of the process to the answer that lists every task. */
const listedMs = (files: number) =>
  withFolder(async folder => {
    furnish(folder, files)
    const { url, readyMs, stop } = await serveOffpeak(folder)
    try {
      const begun = performance.now()
      const tasks = await (await fetch(`${url}/api/tasks`)).json() as unknown[]
      if (tasks.length !== files) throw new Error(`${tasks.length} of ${files} tasks are listed`)
      return { readyMs, listedMs: readyMs + performance.now() - begun }
    } finally {
      await stop()
    }
  })

async function ours ({ small }: Ask): Promise<Row[]> {
  const few = await listedMs(10)
  const many = await listedMs(small ? 20 : 1000)
  return [
    {
      group: GROUP,
      name: 'offpeak: 10 task files to ready',
      unit: 'ms',
      value: few.readyMs,
      ratio_to: LISTEN,
      target: { of: 'ratio', most: 2.5 }
    },
    {
      group: GROUP,
      name: `offpeak: ${small ? 20 : '1,000'} task files to listed`,
      unit: 'ms',
      value: many.listedMs,
      target: { of: 'value', most: 1200 }
    }
  ]
}

/** From the start of the process: until it answers, and until every task file is listed by it. */
export const contenders = [{ name: 'bare', run: bare }, { name: 'offpeak', run: ours }]
export const run = contest(contenders)
