import type { Client } from './client.ts'

/** One thing that the server says. */
interface LiveEvent {
  kind: string
  topic?: string
  run?: { id: string, progress?: unknown }
}

/** The events in the text of a text/event-stream, whatever pieces it comes in. */
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

/** Reads along until the server ends it or the signal says so; throws when it is not reached. */
export async function* liveEvents (
  client: Client,
  topics: readonly string[],
  signal: AbortSignal
): AsyncGenerator<LiveEvent> {
  yield* eventsIn(await client.stream(`/api/events?topics=${topics.join(',')}`, signal))
}
