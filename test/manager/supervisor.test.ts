import t from 'tap'
import { halt, live, wrongs } from './day.ts'
import { shareOf } from '../depth.ts'
import { isOfForecast, sitesOfADay, uncaught, withManager } from './supervised.ts'

t.setTimeout(1_200_000)

const sites = await sitesOfADay(t)
t.ok(sites.length > 50, `${sites.length} places call the engine`)

for (const site of shareOf(sites)) {
  const name = `${site.call} fails once, called by ${site.from}`
  t.test(name, t =>
    withManager({ forecasts: isOfForecast(site) }, async it => {
      it.faults.fail(({ call, from }) => call === site.call && from === site.from && it.faults.thrown === 0)
      await live(it)
      if (site.call === 'stop') await halt(it)
      it.faults.heal()
      t.equal(it.faults.thrown, 1)
      t.strictSame(await wrongs(it), [])
      t.strictSame(uncaught.splice(0), [], 'there is no uncaught error')
    }))
}
