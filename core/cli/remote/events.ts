import type { Client } from './client.ts'

/** One event of the server. */
interface LiveEvent {
  kind: string
  topic?: string
  run?: { id: string, progress?: unknown }
}

/** The events of a text/event-stream that arrives in pieces of any size. */
export async function* eventsIn (pieces: AsyncIterable<string>): AsyncGenerator<LiveEvent> {
  let rest = ''
  for await (const piece of pieces) {
    const frames = (rest + piece).split('\n\n')
    rest = frames.pop()!
    for (const frame of frames) {
      const data = frame.split('\n').find(line => line.startsWith('data: '))
      if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as LiveEvent
    }
  }
}

/** Reads events until the server ends the stream or the signal aborts; throws when the server cannot be reached. */
export async function* liveEvents (
  client: Client,
  topics: readonly string[],
  signal: AbortSignal
): AsyncGenerator<LiveEvent> {
  yield* eventsIn(await client.stream(`/api/events?topics=${topics.join(',')}`, signal))
}
