import { bytesOf } from '../../model/base/size.ts'
import { foundWords, pointerOf } from '../../model/base/check.ts'
import type { Detail } from '../../model/errors/errors.ts'
import type { Niceness, ModuleFile } from '../../model/task/isolation.ts'
import type { Override, Work } from '../../model/task/task.ts'

/** The origin of a definition: a script, a file that can be imported again, or code of the host app. */
type Origin = { script: unknown, module: ModuleFile | undefined }

const MIB = 2 ** 20
/** An empty thread does not start with less memory. */
const LEAST = 16 * MIB

const fault = (key: string, value: unknown, expected: string): Detail => ({
  pointer: `/${key}`,
  detail: `found ${foundWords(value)}, expected ${expected}`
})

function isolationFault ({ isolation }: Override, { script, module }: Origin): Detail[] {
  if (isolation === undefined) return []
  if (script) return isolation === 'process' ? [] : [fault('isolation', isolation, "'process': a script is always one")]
  if (isolation === 'inline' || module) return []
  return [
    fault('isolation', isolation,
      "'inline': only a task file can be imported by a thread or process, not a task that is added in code")
  ]
}

function memoryFault ({ memory_limit: limit, isolation = 'inline' }: Override, { script }: Origin): Detail[] {
  if (limit === undefined) return []
  if (!script && isolation === 'inline') {
    return [fault('memory_limit', limit, "nothing: it is for isolation 'thread' and 'process', and for scripts")]
  }
  const bytes = bytesOf(limit)
  if (bytes === null) return [fault('memory_limit', limit, "bytes as a number, or words such as '512 MB'")]
  return bytes < LEAST ? [fault('memory_limit', limit, 'at least 16 MiB')] : []
}

function mannersFaults (data: Override, { script }: Origin): Detail[] {
  if (script || data.isolation === 'process') return []
  return (['nice', 'ionice'] as const).filter(key => data[key] !== undefined)
    .map(key => fault(key, data[key], "nothing: it is for scripts and isolation 'process'"))
}

/** Names that no environment can have. Source: environ(7). */
const environmentFaults = ({ env = {} }: Override): Detail[] =>
  Object.keys(env).filter(name => name === '' || /[=\0]/.test(name))
    .map(name => ({
      pointer: pointerOf(['env', name]),
      detail: `found the name ${foundWords(name)}, expected one that is not empty, without '=' and null characters`
    }))

/** Faults of the fields about isolation. */
export const isolationFaults = (
  data: Override,
  origin: Origin
): Detail[] => [...isolationFault(data, origin), ...memoryFault(data, origin), ...mannersFaults(data, origin),
  ...environmentFaults(data)]

/** The niceness of the processes of a definition. */
export const mannersOf = ({ nice, ionice }: Override): Niceness => ({
  ...nice === undefined ? {} : { nice },
  ...ionice === undefined ? {} : { ionice }
})

/** The memory limit of the processes of a script. */
export const memoryOf = ({ memory_limit: limit }: Override): { memory_mb?: number } =>
  limit === undefined ? {} : { memory_mb: Math.floor(bytesOf(limit)! / MIB) }

/** How to execute a definition in a thread or process; null if it is inline. */
export function isolatedWork (
  data: Override,
  { module, pointer, id }: { module: ModuleFile | undefined, pointer: string, id: string }
): Work | null {
  const { isolation = 'inline', env = {} } = data
  if (isolation === 'inline' || module === undefined) return null
  const { memory_mb: memory = null } = memoryOf(data)
  return {
    kind: 'isolated',
    within: isolation,
    home: { ...module, pointer, id },
    memory_mb: memory,
    env: { ...env },
    ...mannersOf(data)
  }
}
