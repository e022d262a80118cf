import { pathOf } from '../../model/base/check.ts'
import type { BusyWhen } from '../../model/config/sense.ts'

/** What a URL or a program has answered. */
interface Answer {
  text: string
  status?: number
  exit?: number
}

/** Busy or not, and what was seen, in words. */
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

/** Whether an answer is busy: every condition of `when` must hold; without `when`, a status of 2xx or an exit code of
 *  0. Throws on an answer that cannot be judged: an error status, a text that is not JSON. */
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
    facts.push(`${found ? 'has' : 'has not'} '${when.contains}'`)
  }
  // What is no longer asked may also not be JSON.
  if (when.pointer === undefined || !busy) return { busy, detail: facts.join(', ') }
  const value = valueAt(text, when.pointer)
  facts.push(`${when.pointer} is ${(JSON.stringify(value) ?? 'absent').slice(0, 60)}`)
  return { busy: looksBusy(value, when), detail: facts.join(', ') }
}
