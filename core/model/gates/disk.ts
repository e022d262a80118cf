import type { Gate } from './gate.ts'
import { READ, inDefinition } from './gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'
import { bytesOf, sizeWords } from '../base/size.ts'

/** Closed while a watched disk has less free than the task asks for or, when it asks for nothing, than the reserve.
 *  Free space that nobody knows holds only a task that asks for some: a task that frees space says `disk_free: 0`. */
export const disk: Gate = ({ task, reading: { disks }, config: { resources } }) => {
  const asked = task?.constraints.disk_free
  const required = asked === undefined ? resources.disk_reserve : bytesOf(asked) ?? Infinity
  if (required === 0) return null
  const told = disks.flatMap(({ path, free_bytes: free }) => known(free) ? [{ path, free }] : [])
  const least = told.toSorted((a, b) => a.free - b.free)[0]
  const source = asked === undefined ? '/resources/disk_reserve' : inDefinition('disk_free')
  const words = sizeWords(required)
  if (least === undefined) {
    const ok = asked === undefined
    const message = `nobody can tell how much disk is free${
      ok ? ': not held for it' : `, and the task asks for ${words}`
    }`
    return {
      gate: 'disk',
      ok,
      code: ok ? 'unknown' : 'disk_unknown',
      message,
      observed: UNKNOWN,
      required,
      ...READ,
      source
    }
  }
  const ok = least.free >= required
  return {
    gate: 'disk',
    ok,
    code: ok ? 'ok' : 'disk_full',
    message: `${sizeWords(least.free)} are free on ${least.path}, ${words} are needed`,
    observed: Math.round(least.free),
    required,
    ...READ,
    source
  }
}
