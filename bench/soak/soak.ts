import type { Row } from '../row.ts'
import { due } from './due.ts'
import { hanging } from './hanging.ts'
import { output } from './output.ts'
import { readers } from './readers.ts'
import { steady } from './steady.ts'

/** `small`: a few of everything, to see that it works. `heap`: what has grown is found by snapshots, which themselves
 *  cost memory. */
export interface Load {
  minutes: number
  small: boolean
  heap: boolean
  say: (line: string) => void
}

/** One kind of load on a server in a process of its own. */
export type Soak = (load: Load) => Promise<Row[]>

/** Every kind of load, the long one last. */
export const SOAKS: Record<string, Soak> = { output, hanging, readers, due, steady }
