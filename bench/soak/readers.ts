import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Soak } from './soak.ts'
import type { Soaked } from './server.ts'
import { addRuns, counted, furnish, start, until } from './server.ts'
import { withFolder } from '../place.ts'

const MB = 1_000_000
const TASK = "export const TASK_DEFINITIONS = [{ id: 'quick', concurrency: 10, func: () => 1 }]\n"

const SETTLED = 'event: settled'

/** One reader of events. A deaf one asks and never reads an answer. */
class Reader {
  readonly #socket: Socket
  #rest = ''
  settled = 0
  closed = false

  constructor (server: Soaked, deaf: boolean) {
    const { port, hostname } = new URL(server.url)
    this.#socket = connect(Number(port), hostname)
    this.#socket.on('error', () => {}).once('close', () => {
      this.closed = true
    })
    this.#socket.write(`GET /api/events HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`)
    if (!deaf) this.#socket.setEncoding('latin1').on('data', (text: string) => this.#read(text))
  }

  #read (text: string): void {
    const parts = (this.#rest + text).split(SETTLED)
    this.settled += parts.length - 1
    // A chunk may end in the middle of it.
    this.#rest = parts.at(-1)!.slice(1 - SETTLED.length)
  }

  get connected (): Promise<unknown> {
    return this.#socket.connecting ? once(this.#socket, 'connect') : Promise.resolve()
  }

  end (): void {
    this.#socket.destroy()
  }
}

interface Found {
  all: number
  deaf: number
  note: string
  missed: number
  megabytes: number
}

const results = ({ all, deaf, note, missed, megabytes }: Found): Awaited<ReturnType<Soak>> => [
  {
    group: 'readers',
    name: `${all} readers, ${deaf} deaf: memory`,
    unit: 'MB',
    value: megabytes,
    target: { of: 'value', most: 100 },
    note
  },
  {
    group: 'readers',
    name: 'readers that missed something',
    unit: '',
    value: missed,
    target: { of: 'value', most: 0 }
  }
]

/** A thousand readers of events, a hundred of which never read, while runs are executed: the memory they use, and the
 *  events that the others missed. */
export const readers: Soak = ({ small }) =>
  withFolder(async folder => {
    furnish(folder, { 'work.js': TASK })
    const server = await start(folder)
    const [all, deaf, runs] = small ? [20, 4, 200] : [1000, 100, 2000]
    try {
      const before = await server.figures()
      const everyone = Array.from({ length: all }, (_, index) => new Reader(server, index < deaf))
      await Promise.all(everyone.map(async reader => await reader.connected))
      let peak = 0
      for (let left = runs; left > 0; left -= 1000) {
        await addRuns(server, 'quick', Math.min(left, 1000))
        const wanted = runs - Math.max(0, left - 1000)
        await until('runs completed', async () => await counted(server, 'quick', 'completed') >= wanted)
        peak = Math.max(peak, (await server.figures()).rss)
      }
      const listening = everyone.slice(deaf)
      await until('readers have read', () => listening.every(({ settled, closed }) => closed || settled >= runs),
        60_000)
      const missed = listening.filter(({ settled }) => settled < runs).length
      const note = `${runs} runs; ${
        everyone.slice(0, deaf).filter(({ closed }) => closed).length
      } of the deaf were cut off`
      everyone.forEach(reader => reader.end())
      return results({ all, deaf, note, missed, megabytes: (peak - before.rss) / MB })
    } finally {
      await server.stop()
    }
  })
