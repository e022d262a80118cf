import { setTimeout as pause } from 'node:timers/promises'
import type { Figures, Soaked } from './server.ts'
import type { Row } from '../row.ts'
import type { Soak } from './soak.ts'
import { counted, furnish, start } from './server.ts'
import { grown } from './heap.ts'
import { withFolder } from '../place.ts'

const MB = 1_000_000
/** Runs per second by schedules and by request: 40 together. */
const HALF = 20
const WARM_MINUTES = 10

const TICKING = `export const TASK_DEFINITIONS = Array.from({ length: ${HALF} }, (_, index) => ({
  id: 'tick_' + index,
  trigger: 'interval',
  trigger_args: { seconds: 1 },
  func: ctx => { ctx.log.info('ticked'); return { index } }
})).concat({
  id: 'asked',
  concurrency: 10,
  func: async ctx => { await ctx.checkpoint.save({ payload: ctx.payload }); return ctx.payload }
})
`

/** The slope of the line through points, by least squares: units of y for one of x; 0 for fewer than two points. */
export function slope (points: readonly (readonly [x: number, y: number])[]): number {
  if (points.length < 2) return 0
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}

/** Requests runs at an even pace until it is stopped. Resolves to the number of accepted ones. */
async function ask (server: Soaked, over: () => boolean): Promise<number> {
  const begun = performance.now()
  let accepted = 0
  while (!over()) {
    await server.call('POST', '/api/tasks/asked/runs', { payload: { text: 'x'.repeat(200), number: accepted } })
    accepted++
    await pause(Math.max(0, begun + accepted * 1000 / HALF - performance.now()))
  }
  return accepted
}

/** Forty runs per second for some minutes: the growth of memory after the first ten. */
export const steady: Soak = ({ minutes, heap, say }) =>
  withFolder(async folder => {
    furnish(folder, { 'work.js': TICKING }, { retention: { max_age: '5m' } })
    const server = await start(folder, { heap })
    try {
      let over = false
      const asking = ask(server, () => over)
      const warm = Math.min(WARM_MINUTES, minutes / 3)
      const begun = performance.now()
      const passed = () => (performance.now() - begun) / 60_000
      await pause(warm * 60_000)
      const first = await server.figures()
      const seen: [number, number][] = []
      while (passed() < minutes) {
        await pause(Math.min(60_000, (minutes - warm) * 60_000 / 10))
        const { rss } = heap ? { rss: Number.NaN } : await server.figures()
        seen.push([passed(), rss / MB])
        say(`steady: ${passed().toFixed(1)} of ${minutes} minutes, ${Math.round(rss / MB)} MB`)
      }
      over = true
      const accepted = await asking
      const last = await server.figures()
      const done = await counted(server, 'asked', 'completed')
      if (heap) grown(folder).forEach(say)
      return rowsOf({ first, last, seen, minutes: minutes - warm, accepted, done })
    } finally {
      await server.stop()
    }
  })

interface Seen {
  first: Figures
  last: Figures
  seen: [number, number][]
  minutes: number
  accepted: number
  done: number
}

function rowsOf ({ first, last, seen, minutes, accepted, done }: Seen): Row[] {
  const note = `${accepted} runs accepted over HTTP, ${done} of them kept as completed`
  const group = 'steady'
  return [
    {
      group,
      name: 'memory: slope after warming up',
      unit: 'MB/min',
      value: slope(seen),
      target: { of: 'value', most: 0.2 },
      note
    },
    {
      group,
      name: 'heap after a collection: slope',
      unit: 'MB/min',
      value: (last.heap - first.heap) / MB / minutes,
      target: { of: 'value', most: 0.2 }
    },
    { group, name: 'memory at the end', unit: 'MB', value: last.rss / MB },
    { group, name: 'event loop: p99.9', unit: 'ms', value: last.p999 }
  ]
}
