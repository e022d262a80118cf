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

/** Writes whether a task is enabled into config.json: that of a built-in task into its section `builtin`, which also
 *  loads one that is off. Resolves to the new ETag. */
export async function setEnabled (
  { catalog, desk, settings }: Switches,
  { id, enabled, ifMatch }: EnableAsk
): Promise<string> {
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
