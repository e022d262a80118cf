import type { Gate } from '../conditions/gate.ts'
import { READ, inDefinition } from '../conditions/gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'
import { bytesOf, sizeWords } from '../base/size.ts'

/** Closed while a watched disk has less free space than the task's `disk_free` or, without it, resources.disk_reserve.
 *  Unknown free space holds only a task with `disk_free`. A task that frees space sets `disk_free: 0`. */
export const disk: Gate = ({ task, reading: { disks }, config: { resources } }) => {
  const asked = task?.constraints.disk_free
  const required = asked === undefined ? resources.disk_reserve : bytesOf(asked) ?? Infinity
  if (required === 0) return null
  const measured = disks.flatMap(({ path, free_bytes: free }) => known(free) ? [{ path, free }] : [])
  const least = measured.toSorted((a, b) => a.free - b.free)[0]
  const source = asked === undefined ? '/resources/disk_reserve' : inDefinition('disk_free')
  const words = sizeWords(required)
  if (least === undefined) {
    const ok = asked === undefined
    const message = `free disk space unknown${ok ? ' (does not hold the run)' : `, the task needs ${words}`}`
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
    message: `${sizeWords(least.free)} free on ${least.path}, needs ${words}`,
    observed: Math.round(least.free),
    required,
    ...READ,
    source
  }
}
