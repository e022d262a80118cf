import { remainingAfter, remains } from './remains.ts'
import type { Faults } from './faults.ts'
import type { Service } from '../../core/model/base/service.ts'
import type { Test } from 'tap'

type Make = (t: Test) => Promise<Subject> | Subject

/** A service under test. */
export interface Subject {
  service: Service
  /** Whether any part of it is running or open. */
  isAlive: () => boolean | Promise<boolean>
  /** Makes starts fail until the returned function is called. */
  breakIt?: () => () => void
  /** Breaks the start at each of its steps, one after another. */
  faults?: Faults
}

/** A value that can be made to throw when it is read. */
export function fragile<T> (value: T) {
  let isBroken = false
  return {
    read: (): T => {
      if (isBroken) throw new Error('broken on purpose')
      return value
    },
    breakIt: () => {
      isBroken = true
      return () => {
        isBroken = false
      }
    }
  }
}

/** Makes a service and `isOver`, a check that no part of it is running or open. */
async function setup (t: Test, make: Make) {
  const subject = await make(t)
  const before = remains()
  const { faults } = subject
  const subscriptions = faults?.subscriptions
  return {
    ...subject,
    isOver: async (words = 'nothing is running') => {
      t.equal(faults?.subscriptions, subscriptions, `${words}: no listener is left`)
      t.equal(await subject.isAlive(), false, words)
      t.strictSame(await remainingAfter(before), [], words)
    }
  }
}

const secondStart = (make: Make, isCounted: boolean) => async (t: Test) => {
  const { service, isAlive, isOver } = await setup(t, make)
  const [first, second] = [service.start(), service.start()]
  t.equal(first, second)
  await first
  t.equal(await isAlive(), true)
  t.equal(service.start(), first, 'also after the start')
  const stops = Array.from({ length: isCounted ? 3 : 2 }, () => service.stop())
  if (!isCounted) t.equal(stops[0], stops[1])
  await Promise.all(stops)
  await isOver()
  await service.stop()
  await isOver()
}

const stopDuringStart = (make: Make) => async (t: Test) => {
  const { service, isOver } = await setup(t, make)
  let isStarted = false
  const starting = service.start().then(() => {
    isStarted = true
  })
  await service.stop()
  t.equal(isStarted, true)
  await isOver()
  await starting
  await isOver()
}

const startAfterStop = (make: Make) => async (t: Test) => {
  const { service, isAlive, isOver } = await setup(t, make)
  await service.stop()
  await service.start()
  const stopping = service.stop()
  const again = service.start()
  await stopping
  await again
  t.equal(await isAlive(), true)
  await service.stop()
  await service.start()
  t.equal(await isAlive(), true)
  await service.stop()
  await isOver()
}

const failedStart = (make: Make) => async (t: Test) => {
  const { service, isAlive, isOver, faults, breakIt = faults && (() => faults.fail()) } = await setup(t, make)
  if (breakIt === undefined) return t.pass('its start cannot fail')
  const mendFirst = breakIt()
  await t.rejects(service.start())
  await isOver()
  mendFirst()
  const mend = breakIt()
  const starting = service.start()
  const stopping = service.stop()
  await t.rejects(starting)
  await stopping
  await isOver()
  mend()
  await service.start()
  t.equal(await isAlive(), true)
  await service.stop()
  await isOver()
}

const failedAtEachStep = (make: Make) => async (t: Test) => {
  const { service, isOver, faults } = await setup(t, make)
  if (faults === undefined) return t.pass('its start asks nothing of other parts')
  let failures = 0
  for (let step = 1, hasFailed = true; hasFailed; step++) {
    const mend = faults.fail(step)
    const hasStarted = await service.start().then(() => true, () => false)
    mend()
    hasFailed = faults.hasFailed
    if (hasStarted) await service.stop()
    else failures += 1
    await isOver(`nothing is running after a fault in step ${step}`)
  }
  t.ok(failures > 0, 'the start has failed')
}

/** Tests what every service guarantees for start and stop. `name`: its class or factory. `isCounted`: it is shared by
 *  several users and stops with the last stop. */
export function serviceLaw (t: Test, name: string, make: Make, { isCounted = false } = {}): void {
  t.test(`${name}: a second start returns the promise of the first, and so does a second stop`,
    secondStart(make, isCounted))
  t.test(`${name}: stop during start waits for the start, then stops`, stopDuringStart(make))
  t.test(`${name}: start after stop works, also while the stop is pending`, startAfterStop(make))
  t.test(`${name}: a start that fails leaves nothing running, and the next one works`, failedStart(make))
  t.test(`${name}: a start that fails at any of its steps leaves nothing running`, failedAtEachStep(make))
}
