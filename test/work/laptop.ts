import { calm } from './fake-senses.ts'
import { harness } from './harness.ts'
import type { HarnessOptions } from './harness.ts'
import type { Owner } from './harness.ts'
import type { Reading } from '../../core/model/machine/reading.ts'

/** A harness with fake power and battery. `see` takes one reading and waits until the runner has handled it. */
export async function laptop (t: Owner, options: HarnessOptions) {
  const it = await harness(t, options)
  let over: Partial<Reading> = {}
  const battery = (level: number) => ({
    power: 'battery' as const,
    battery: { present: true, level, charging: false, seconds_left: 'unknown' as const }
  })
  const mains = (level = 90) => ({
    power: 'mains' as const,
    battery: { present: true, level, charging: true, seconds_left: 'unknown' as const }
  })
  const see = async (change: Partial<Reading> = {}) => {
    over = { ...over, ...change }
    it.conditions.take({ ...calm(it.clock.now()), ...over }, it.clock.now())
    await it.runner.settled()
  }
  const later = async (ms: number, change: Partial<Reading> = {}) => {
    it.clock.advance(ms)
    await see(change)
  }
  return { ...it, see, later, battery, mains }
}
