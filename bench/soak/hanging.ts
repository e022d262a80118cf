import type { Soak } from './soak.ts'
import { furnish, start } from './server.ts'
import { withFolder } from '../place.ts'

const GOOD = (index: number) => `export const TASK_DEFINITIONS = [{ id: 'good_${index}', func: () => 1 }]\n`
const FILES = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`good_${index}.js`, GOOD(index)]))
const HANGING = {
  'awaits.js': 'await new Promise(() => { setInterval(() => {}, 1000) })\n',
  'loops.js': 'while (true);\n'
}

const ready = (files: Record<string, string>) =>
  withFolder(async folder => {
    furnish(folder, files)
    const server = await start(folder)
    const tasks = await server.call('GET', '/api/tasks') as unknown[]
    await server.stop()
    return { ms: server.readyMs, tasks: tasks.length }
  })

/** Task files whose import never ends: the delay of the start and of the other files. */
export const hanging: Soak = async () => {
  const without = await ready(FILES)
  const beside = await ready({ ...FILES, ...HANGING })
  return [
    { group: 'hanging', name: 'ready: 20 files', unit: 'ms', value: without.ms },
    {
      group: 'hanging',
      name: 'ready: two more that hang at import',
      unit: 'ms',
      value: beside.ms,
      target: { of: 'value', most: without.ms + 1000 }
    },
    {
      group: 'hanging',
      name: 'neighbours that are not listed',
      unit: '',
      value: without.tasks - beside.tasks,
      target: { of: 'value', most: 0 }
    }
  ]
}
