import { pathOf } from '../../model/base/check.ts'
import type { BusyWhen } from '../../model/config/sense.ts'

/** The answer of a URL or a program. */
interface Answer {
  text: string
  status?: number
  exit?: number
}

/** Busy or not, with a description of the answer. */
export interface Judgement {
  busy: boolean
  detail: string
}

function valueAt (text: string, pointer: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error(`the answer is not JSON: '${text.slice(0, 40)}'`)
  }
  for (const key of pathOf(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

const holdsSomething = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

function looksBusy (value: unknown, { equals, above, below }: BusyWhen): boolean {
  if (equals === undefined && above === undefined && below === undefined) return holdsSomething(value)
  if (equals !== undefined && value !== equals) return false
  if (above !== undefined && !(typeof value === 'number' && value > above)) return false
  return below === undefined || (typeof value === 'number' && value < below)
}

const isFine = (status: number) => status >= 200 && status < 300

/** Decides whether an answer means busy: all conditions of `when` must match. Without conditions, a status of 2xx or an
 *  exit code of 0 means busy. Throws for answers that cannot be judged: an error status, or text that is not JSON. */
export function judge (when: BusyWhen, { text, status, exit }: Answer): Judgement {
  const looks = when.contains !== undefined || when.pointer !== undefined
  const facts: string[] = []
  let busy = true
  if (status !== undefined) {
    if (when.status === undefined && looks && !isFine(status)) throw new Error(`status ${status}`)
    busy = when.status === undefined ? isFine(status) : when.status.includes(status)
    facts.push(`status ${status}`)
  }
  if (exit !== undefined) {
    if (when.exit === undefined && looks && exit !== 0) throw new Error(`exit code ${exit}`)
    busy = (when.exit ?? [0]).includes(exit)
    facts.push(`exit code ${exit}`)
  }
  if (when.contains !== undefined) {
    const found = text.includes(when.contains)
    busy = busy && found
    facts.push(`${found ? 'contains' : 'does not contain'} '${when.contains}'`)
  }
  // The text need not be JSON if the pointer does not matter any more.
  if (when.pointer === undefined || !busy) return { busy, detail: facts.join(', ') }
  const value = valueAt(text, when.pointer)
  facts.push(`${when.pointer} is ${(JSON.stringify(value) ?? 'absent').slice(0, 60)}`)
  return { busy: looksBusy(value, when), detail: facts.join(', ') }
}
