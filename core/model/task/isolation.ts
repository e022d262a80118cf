import { Type } from 'typebox'

/** Where the function of a task is executed: in this thread, in one of the pool, or in a process of its own. */
export const ISOLATIONS = ['inline', 'thread', 'process'] as const

/** How a process stands in line for the disk, see ionice(1): `idle` when nobody else wants it, `low` last among the
 *  ordinary. */
const IONICES = ['idle', 'low'] as const
export type Ionice = typeof IONICES[number]

const word = <const W extends readonly string[]>(words: W, description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], description })

/** The fields of a definition that say where its work is executed, and how much of the machine it may take. */
export const IsolationFields = {
  isolation: Type.Optional(
    word(ISOLATIONS,
      'Where the function is executed: in the thread of offpeak, in one of its own, in a process of its own')
  ),
  memory_limit: Type.Optional(Type.Unsafe<number | string>({
    anyOf: [{ type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
    description:
      'Bytes, or "512 MB", of memory that a thread may take, or a process or script with all that it has started'
  })),
  nice: Type.Optional(
    Type.Integer({
      minimum: -20,
      maximum: 19,
      description: 'Niceness of a process or script: 19 leaves the processors to everybody else'
    })
  ),
  ionice: Type.Optional(
    word(IONICES,
      'How a process or script stands in line for the disk: idle when nobody else wants it, low last among the ordinary')
  )
}

/** How kind a process is to the others. */
export interface Niceness {
  nice?: number
  ionice?: Ionice
}

/** A version of a task file, as a thread or process can import it: its address and the text that was checked. */
export interface ModuleFile {
  url: string
  text: string
}

/** Where the function of a task is found again: the file, the place of the definition among its exports and its id. */
export interface FunctionSource extends ModuleFile {
  pointer: string
  id: string
}
