import { setTimeout as pause } from 'node:timers/promises'
import type { Soak } from './soak.ts'
import { counted, furnish, start, until } from './server.ts'
import { withFolder } from '../place.ts'

const ENDLESS = '#!/bin/sh\n# offpeak: id = endless ; timeout = 10m\nexec yes "a line that says nothing"\n'
const ONE_LINE = '#!/bin/sh\n# offpeak: id = one_line ; timeout = 10m\nexec tr "\\\\0" x < /dev/zero\n'

/** Scripts that write without end, lines and one long line: the delay of the event loop, and memory. */
export const output: Soak = ({ small }) =>
  withFolder(async folder => {
    furnish(folder, { 'endless.sh': ENDLESS, 'one_line.sh': ONE_LINE })
    const server = await start(folder)
    try {
      const before = await server.figures()
      for (const task of ['endless', 'one_line']) await server.call('POST', `/api/tasks/${task}/runs`, {})
      for (const task of ['endless', 'one_line']) {await until(`${task} runs`,
          async () => await counted(server, task, 'running') === 1)}
      await server.figures()
      await pause(small ? 500 : 20_000)
      const { p999, longest, rss } = await server.figures()
      return [
        {
          group: 'output',
          name: 'endless output: loop p99.9',
          unit: 'ms',
          value: p999,
          target: { of: 'value', most: 20 },
          note: `longest ${longest.toFixed(0)} ms`
        },
        {
          group: 'output',
          name: 'endless output: memory',
          unit: 'MB',
          value: (rss - before.rss) / 1e6,
          target: { of: 'value', most: 50 }
        }
      ]
    } finally {
      await server.stop()
    }
  })
