import type { Service } from '../../core/model/base/service.ts'
import type { Test } from 'tap'

/** One service and what can be seen of it from outside. */
export interface Subject {
  service: Service
  /** Whether anything of it is running or open. */
  isAlive: () => boolean | Promise<boolean>
  /** Makes the next start fail until the answer is called. */
  breakIt?: () => () => void
}

/** What every service promises of its start and stop. `isCounted`: several owners share it, and it stops with the last
 *  stop. */
export function life (
  t: Test,
  name: string,
  make: (t: Test) => Promise<Subject> | Subject,
  { isCounted = false } = {}
): void {
  t.test(`${name}: a second start returns the promise of the first, and so does a second stop`, async t => {
    const { service, isAlive } = await make(t)
    const [first, second] = [service.start(), service.start()]
    t.equal(first, second)
    await first
    t.equal(await isAlive(), true)
    t.equal(service.start(), first, 'also once it runs')
    const stops = Array.from({ length: isCounted ? 3 : 2 }, () => service.stop())
    if (!isCounted) t.equal(stops[0], stops[1])
    await Promise.all(stops)
    t.equal(await isAlive(), false)
    await service.stop()
    t.equal(await isAlive(), false)
  })

  t.test(`${name}: stop during start waits for it, and then stops`, async t => {
    const { service, isAlive } = await make(t)
    let isStarted = false
    const starting = service.start().then(() => {
      isStarted = true
    })
    await service.stop()
    t.equal(isStarted, true)
    t.equal(await isAlive(), false)
    await starting
    t.equal(await isAlive(), false)
  })

  t.test(`${name}: start after stop works, also when the stop is still under way`, async t => {
    const { service, isAlive } = await make(t)
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
    t.equal(await isAlive(), false)
  })

  t.test(`${name}: a start that fails leaves nothing running, and the next one works`, async t => {
    const { service, isAlive, breakIt } = await make(t)
    if (breakIt === undefined) return t.pass('its start cannot fail')
    const mend = breakIt()
    await t.rejects(service.start())
    t.equal(await isAlive(), false)
    const starting = service.start()
    const stopping = service.stop()
    await t.rejects(starting)
    await stopping
    t.equal(await isAlive(), false)
    mend()
    await service.start()
    t.equal(await isAlive(), true)
    await service.stop()
    t.equal(await isAlive(), false)
  })
}
