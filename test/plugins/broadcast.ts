import { Broadcast } from '../../core/work/desk/events.ts'
import { fakeClock } from '../clock.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { Topic } from '../../core/model/view/event.ts'

export interface SentEvent {
  id: number
  event: string
  data: Record<string, unknown>
}

export const eventsIn = (text: string): SentEvent[] =>
  text.split('\n\n').filter(part => part.includes('\ndata: ')).map(part => {
    const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(part)!
    return { id: Number(id), event: event!, data: JSON.parse(data!) as Record<string, unknown> }
  })

interface InMemory {
  durable?: () => Promise<void>
}

/** A reader in memory, with the sink that writes to it. Tests may set `buffered`. */
function inMemoryReader () {
  const received = {
    text: '',
    writes: 0,
    buffered: 0,
    dropped: false,
    get events () {
      return eventsIn(received.text)
    }
  }
  const sink = {
    write: (frame: Buffer) => {
      received.text += frame.toString()
      received.writes += 1
    },
    get buffered () {
      return received.buffered
    },
    end: () => undefined,
    drop: () => {
      received.dropped = true
    }
  }
  return { received, sink }
}

/** The notice that a run has made `current` of 10 steps. */
const progressNotice = (at: number, current: number, id: string): Notice => ({
  kind: 'progressed',
  run: {
    id,
    task: 'echo',
    progress: {
      current,
      total: 10,
      message: null,
      unit: null,
      rate: null,
      percentage: current * 10,
      eta: null,
      at
    }
  }
})

/** A broadcast with readers in memory. */
export function inMemory ({ durable }: InMemory = {}) {
  const clock = fakeClock()
  const broadcast = new Broadcast({ clock, durable })
  const reader = ({ topics = null, ...given }: { after?: number, topics?: Topic[] | null, trusted?: boolean } = {}) => {
    const { received, sink } = inMemoryReader()
    broadcast.join({ topics, ...given, sink })
    return received
  }
  const progressed = (current: number, id = 'a') => progressNotice(clock.now(), current, id)
  return { clock, broadcast, reader, progressed }
}
