import { userInfo } from 'node:os'
import type { RemoteOptions } from '../remote/options.ts'
import type { FaultAnswer, HealthAnswer, TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { homeOptions } from './home.ts'
import { plain, print, printJson } from '../terminal/output.ts'

/** Changes config.json without a server, and records the change in the data folder. */
async function switchHere (id: string, enabled: boolean, given: RemoteOptions): Promise<void> {
  const { createManager } = await import('../../manager.ts')
  const manager = await createManager({ ...homeOptions(given), files: 'once' })
  await manager.catalog.start()
  try {
    if (!manager.catalog.isBuiltIn(id)) manager.desk.definition(id)
    await manager.engine.start()
    await manager.enable(id, enabled, { by: `cli:${userInfo().username}` })
  } finally {
    await manager.engine.stop()
    await manager.catalog.stop()
  }
}

/** What the server warns of in the settings of a task. */
async function warningsOf (client: Client, id: string): Promise<string[]> {
  const { config } = await client.get<HealthAnswer>('/api/health').catch((): Partial<HealthAnswer> => ({}))
  const isOf = ({ where }: FaultAnswer) =>
    where !== null && ['tasks', 'builtin'].some(section => where.includes(` /${section}/${id}/`))
  return (config?.warnings ?? []).filter(isOf).map(({ message, fix }) => `${message}. ${fix ?? ''}`.trim())
}

/** The warnings about the task; null when no server is running. */
async function throughServer (id: string, enabled: boolean, given: RemoteOptions): Promise<string[] | null> {
  try {
    const client = await Client.find(given)
    await client.patch<TaskView>(`/api/tasks/${encodeURIComponent(id)}`, { enabled })
    return enabled ? await warningsOf(client, id) : []
  } catch (error) {
    if (given.url === undefined && error instanceof OffpeakError && error.code === 'OFFPEAK_SERVER_UNREACHABLE') {
      return null
    }
    throw error
  }
}

/** Enables or disables a task: through the server, or in config.json when no server is running. */
export const switchTask = (enabled: boolean) => async (id: string, given: RemoteOptions): Promise<void> => {
  const warnings = await throughServer(id, enabled, given)
  const where = warnings === null ? 'file' : 'server'
  if (where === 'file') await switchHere(id, enabled, given)
  if (given.json) return printJson({ id, enabled, where })
  const note = where === 'file' ? ' in the configuration; no server is running' : ''
  print(`${id} is ${enabled ? 'enabled' : 'disabled'}${note}`)
  for (const warning of warnings ?? []) print(`warning: ${plain(warning)}`)
}
