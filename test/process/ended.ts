import { served } from './server.ts'
import { until } from '../clock.ts'

export const SLOW = { timeout: 240_000 }

interface Running {
  id: string
}
interface Ended {
  state: string
  error: { code?: string, message: string } | null
}

type Served = Awaited<ReturnType<typeof served>>

/** Runs a task once; returns its run after the end. */
export async function ended ({ call }: Served, task: string): Promise<Ended> {
  const { id } = (await call('POST', `/api/tasks/${task}/runs`, {})).body as Running
  let run!: Ended
  await until(`${task} is over`, async () => {
    run = (await call('GET', `/api/runs/${id}`)).body as Ended
    return ['completed', 'failed'].includes(run.state)
  })
  return run
}

/** Task files by name, each with the given module code and one task. */
export const modules = (parts: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(parts).map((
      [name, text]
    ) => [`${name}.mjs`, `${text}\nexport default { id: '${name}', func: () => '${name}' }\n`])
  )
