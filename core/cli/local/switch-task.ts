import { userInfo } from 'node:os'
import type { Command } from 'commander'
import type { Remote } from '../remote/options.ts'
import type { TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError } from '../../model/base/errors.ts'
import { managerOptions, remote } from '../remote/options.ts'
import { say, sayJson } from '../terminal/output.ts'

/** Without a server config.json is changed here, and the data folder records who did it. */
async function switchHere (id: string, enabled: boolean, given: Remote): Promise<void> {
  const { createManager } = await import('../../manager.ts')
  const manager = await createManager({ ...managerOptions(given), files: 'once' })
  await manager.catalog.start()
  try {
    manager.desk.definition(id)
    await manager.engine.start()
    await manager.enable(id, enabled, { by: `cli:${userInfo().username}` })
  } finally {
    await manager.engine.stop()
    await manager.catalog.stop()
  }
}

async function throughServer (id: string, enabled: boolean, given: Remote): Promise<boolean> {
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

const switched = (enabled: boolean) => async (id: string, given: Remote): Promise<void> => {
  const where = await throughServer(id, enabled, given) ? 'server' : 'file'
  if (where === 'file') await switchHere(id, enabled, given)
  if (given.json) return sayJson({ id, enabled, where })
  say(
    `${id} is ${enabled ? 'enabled' : 'disabled'}${
      where === 'file' ? ' in the configuration; no server is running' : ''
    }`
  )
}

/** `enable` and `disable`. */
export function addActs (program: Command): void {
  remote(program.command('enable <task>').description('switch a task on')).action(switched(true))
  remote(program.command('disable <task>').description('switch a task off')).action(switched(false))
}
