import type { Test } from 'tap'
import { fakeClock } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { setup } from './setup.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import type { MachineSenses } from '../../core/manager.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

export interface LaptopGiven {
  tasks?: TaskDefinition[]
  config?: ConfigFile
  senses?: Partial<MachineSenses>
}

/** A server on a laptop whose clock, battery and plug the test moves; it begins on battery with 40 %, on Sunday
 *  2026-11-22 at 12:00 UTC. */
export async function laptop (t: Test, { tasks, config = {}, senses: more = {} }: LaptopGiven = {}) {
  const clock = fakeClock()
  const { senses: fake, see } = fakeSenses(clock)
  const battery = (level: number) =>
    see({ power: 'battery', battery: { present: true, level, charging: false, seconds_left: 'unknown' } })
  const mains = () =>
    see({ power: 'mains', battery: { present: true, level: 90, charging: true, seconds_left: 'unknown' } })
  battery(40)
  const dropSignal: MachineSenses['dropSignal'] = name =>
    Object.hasOwn(fake.latest.signals, name) && fake.dropSignal(name)
  const senses = Object.defineProperties({}, {
    ...Object.getOwnPropertyDescriptors(fake),
    ...Object.getOwnPropertyDescriptors({ dropSignal }),
    ...Object.getOwnPropertyDescriptors(more)
  }) as MachineSenses
  const it = await setup(t, {
    ...tasks && { tasks },
    options: { clock, senses, config: { manager: { timezone: 'UTC' }, ...config } }
  })
  await it.manager.look()
  /** Lets time pass, and looks. */
  const later = async (ms: number) => {
    clock.advance(ms)
    await it.manager.look()
    await it.manager.runner.settled()
  }
  const get = async (url: string) => (await it.ask({ url })).json()
  const send = (method: 'PUT' | 'DELETE', url: string, payload?: object) =>
    it.ask({ method, url, ...payload && { payload } })
  return { ...it, clock, see, battery, mains, later, get, send }
}
