import { basename } from 'node:path'
import { fileName } from './model/task/built-in.ts'
import { taskNotYetKnown } from './model/errors/task-errors.ts'
import type { Catalog } from './work/upkeep/catalog.ts'
import type { Desk } from './work/desk/desk.ts'
import type { Settings } from './work/upkeep/settings.ts'

/** What switching a task needs. */
interface Switches {
  catalog: Catalog
  desk: Desk
  settings: Settings
}

interface EnableAsk {
  id: string
  enabled: boolean
  ifMatch?: string | undefined
}

/** Reads the configuration and the tasks directories when a file that was written just now may define the task: the
 *  copy of a built-in task has its settings in another section. Throws OFFPEAK_TASKS_LOADING while that copy is still
 *  being imported. */
async function readFirst (id: string, { catalog, settings }: Switches): Promise<void> {
  if (catalog.tasks.has(id) && !catalog.isBuiltIn(id)) return
  await settings.rescan()
  await catalog.rescan()
  const task = catalog.tasks.get(id)
  if (task === undefined || !catalog.isBuiltIn(id)) return
  const copies = catalog.coming.filter(file => basename(file) === fileName(task.source))
  if (copies.length > 0) throw taskNotYetKnown(id, copies)
}

/** Writes whether a task is enabled into config.json: that of a built-in task into its section `builtin`, which also
 *  loads one that is off. Resolves to the new ETag. */
export async function setEnabled (switches: Switches, { id, enabled, ifMatch }: EnableAsk): Promise<string> {
  const { catalog, desk, settings } = switches
  await readFirst(id, switches)
  const isBuiltIn = catalog.isBuiltIn(id)
  // One that is off can be turned on, unless a file that is still being imported may define it.
  const isToLoad = isBuiltIn && enabled && catalog.coming.length === 0
  if (!isToLoad) desk.definition(id)
  const etag = await settings.edit([{ path: [isBuiltIn ? 'builtin' : 'tasks', id, 'enabled'], value: enabled }],
    ifMatch)
  if (!isToLoad || catalog.tasks.has(id)) return etag
  await catalog.reconfigure()
  await catalog.rescan()
  return etag
}
