import { Type } from 'typebox'

/** Where the function of a task is executed: in this thread, in a thread of the pool, or in its own process. */
export const ISOLATIONS = ['inline', 'thread', 'process'] as const

/** The I/O priority of a process, see ionice(1): `idle` uses the disk only when it is free, `low` is the lowest
 *  best-effort level. */
const IONICES = ['idle', 'low'] as const
export type Ionice = typeof IONICES[number]

const word = <const W extends readonly string[]>(words: W, description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], description })

/** The fields of a definition that say where its work is executed and how much of the machine it may use. */
export const IsolationFields = {
  isolation: Type.Optional(
    word(ISOLATIONS,
      'Where the function is executed: in the thread of offpeak, in its own thread, or in its own process')
  ),
  memory_limit: Type.Optional(Type.Unsafe<number | string>({
    anyOf: [{ type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
    description: 'Bytes, or "512 MB", of memory for a thread, or for a process or script with its children'
  })),
  nice: Type.Optional(
    Type.Integer({
      minimum: -20,
      maximum: 19,
      description: 'Niceness of a process or script: 19 yields the processors to all others'
    })
  ),
  ionice: Type.Optional(
    word(IONICES,
      'I/O priority of a process or script; idle: only when the disk is free, low: lowest best-effort level')
  )
}

/** The priority of a process for processors and disk. */
export interface Niceness {
  nice?: number
  ionice?: Ionice
}

/** A version of a task file that a thread or process can import: its URL and the checked text. */
export interface ModuleFile {
  url: string
  text: string
}

/** Where to find the function of a task: the file, the pointer of the definition in its exports, and its id. */
export interface FunctionSource extends ModuleFile {
  pointer: string
  id: string
}
