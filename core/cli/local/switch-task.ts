import { userInfo } from 'node:os'
import type { RemoteOptions } from '../remote/options.ts'
import type { TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { managerOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'

/** Changes config.json without a server, and records the change in the data folder. */
async function switchHere (id: string, enabled: boolean, given: RemoteOptions): Promise<void> {
  const { createManager } = await import('../../manager.ts')
  const manager = await createManager({ ...managerOptions(given), files: 'once' })
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

async function throughServer (id: string, enabled: boolean, given: RemoteOptions): Promise<boolean> {
  try {
    const client = await Client.find(given)
    await client.patch<TaskView>(`/api/tasks/${encodeURIComponent(id)}`, { enabled })
    return true
  } catch (error) {
    if (given.url === undefined && error instanceof OffpeakError && error.code === 'OFFPEAK_SERVER_UNREACHABLE') {
      return false
    }
    throw error
  }
}

/** Enables or disables a task: through the server, or in config.json when no server is running. */
export const switchTask = (enabled: boolean) => async (id: string, given: RemoteOptions): Promise<void> => {
  const where = await throughServer(id, enabled, given) ? 'server' : 'file'
  if (where === 'file') await switchHere(id, enabled, given)
  if (given.json) return printJson({ id, enabled, where })
  const note = where === 'file' ? ' in the configuration; no server is running' : ''
  print(`${id} is ${enabled ? 'enabled' : 'disabled'}${note}`)
}
