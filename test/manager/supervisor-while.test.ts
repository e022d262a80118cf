import t from 'tap'
import { halt, live, wrongs } from './day.ts'
import { healthOf } from '../../core/health.ts'
import { shareOf } from '../depth.ts'
import { isOfForecast, sitesOfADay, uncaught, withManager } from './supervised.ts'

const sites = await sitesOfADay(t)
const calls = [...new Set(sites.map(({ call }) => call))]
t.ok(calls.length > 20, `${calls.length} calls are made`)

for (const call of shareOf(calls)) {
  const name = `${call} fails for a while and recovers`
  const forecasts = sites.some(site => site.call === call && isOfForecast(site))
  t.test(name, t =>
    withManager({ forecasts }, async it => {
      const named = new Set<string>()
      it.faults.fail(site => site.call === call)
      let known = 0
      await live(it, async () => {
        if (it.faults.thrown === known) return
        known = it.faults.thrown
        for (const reason of (await healthOf(it.manager)).reasons) named.add(reason)
      })
      if (call === 'stop') await halt(it)
      it.faults.heal()
      if (call !== 'stop') {
        t.match([...named].join('; '), new RegExp(`'${call}'.*: ${call} was broken on purpose`),
          'health names the call')
      }
      t.strictSame(await wrongs(it), [])
      t.strictSame(uncaught.splice(0), [], 'there is no uncaught error')
    }))
}
