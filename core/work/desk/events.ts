import { setImmediate as turn } from 'node:timers/promises'
import { SECOND } from '../../model/base/duration.ts'
import { briefRun, eventView, topicOf, withoutPrivate } from '../../model/view/event.ts'
import { iso } from '../../model/base/clock.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { InProcess } from '../../engine/in-process.ts'
import type { Notice } from '../../model/notice.ts'
import type { Topic } from '../../model/view/event.ts'

/** The output of one reader. `buffered`: bytes that are not read yet. */
export interface Sink {
  write(frame: Buffer): void
  readonly buffered: number
  /** Ends the output after the buffered bytes. */
  end(): void
  /** Ends the output at once and discards the buffered bytes. */
  drop(): void
}

/** `topics`: null for all. `after`: the last id that the reader has received, not validated; undefined: from now on.
 *  `trusted`: private members are included. */
export interface JoinAsk {
  topics: readonly Topic[] | null
  after?: number | undefined
  sink: Sink
  trusted?: boolean
}

interface Reader {
  topics: ReadonlySet<Topic> | null
  sink: Sink
  trusted: boolean
  /** Equal for readers that receive the same frames. */
  view: string
}
interface Received {
  at: number
  topic: Topic
  notice: Notice
}
type Kept = Received & { id: number }
type Progressed = Extract<Notice, { kind: 'progressed' }>

/** Resolves when everything committed so far is durable. */
export type Durable = () => Promise<void>

/** `durable`: absent when commits are durable already. */
export interface BroadcastOptions {
  clock: Clock
  durable?: Durable | undefined
}

/** Topics about stored data: their notices are sent when the data is durable. */
const STORED: ReadonlySet<Topic> = new Set<Topic>(['runs', 'tasks', 'records'])

const MOST_KEPT = 500
/** At most this many notices wait for the disk while there are readers. */
const MOST_WAITING = 20_000
/** Notices sent per turn of the event loop: more would overflow the buffer of a reader that keeps up. */
const SLICE = 200
const MOST_REPLAYED = 512 * 1024
const MOST_BUFFERED = 1024 * 1024
const PROGRESS_EVERY = SECOND / 4
const HEARTBEAT = 15 * SECOND
const IDS_PER_MS = 1000
const RETRY_MS = 2000

const HEARTBEAT_FRAME = Buffer.from(':\n\n')

const frame = (id: number, kind: string, data: object) =>
  Buffer.from(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
const frameOf = ({ id, at, notice }: Kept, trusted: boolean) =>
  frame(id, notice.kind, trusted ? eventView(notice, at) : withoutPrivate(eventView(notice, at)))

const wants = ({ topics }: Pick<Reader, 'topics'>, topic: Topic): boolean => topics === null || topics.has(topic)
const wantsStored = ({ topics }: Pick<Reader, 'topics'>): boolean => topics === null || !topics.isDisjointFrom(STORED)

/** The `durable` of an engine whose commits are visible before they are durable, else undefined. */
export function durabilityOf (engine: object): Durable | undefined {
  const { durable } = engine as { durable?: Durable }
  return durable && (() => durable.call(engine))
}

/** Resolves when all stored ends of runs are durable; null when they are already. */
export const unconfirmedIn = (engine: object): Promise<void> | null =>
  (engine as Partial<InProcess>).unconfirmed?.() ?? null

/** Sends every notice to all readers as a frame of a text/event-stream, with ascending ids. Notices about stored data
 *  are sent when the data is durable, all others at once. Nothing is serialized while there are no readers. */
export class Broadcast {
  readonly #clock: Clock
  readonly #durable: Durable | undefined
  readonly #readers = new Set<Reader>()
  readonly #kept: Kept[] = []
  readonly #progress = new Map<string, { at: number, waiting: Progressed | null }>()
  #last: number
  #silentSince: number
  #ended = false
  /** Notices whose data is not durable yet, in order of arrival. */
  #waiting: Received[] = []
  /** True when waiting notices were discarded. */
  #lost = false
  #isConfirming = false

  constructor ({ clock, durable }: BroadcastOptions) {
    this.#clock = clock
    this.#durable = durable
    // Ids ascend across restarts: an id of an earlier process is recognized as too old.
    this.#last = Math.floor(clock.now()) * IDS_PER_MS
    this.#silentSince = clock.monotonic()
  }

  get readers (): number {
    return this.#readers.size
  }

  /** Accepts a notice. The progress of a run is sent at most four times a second; the newest one replaces those that
   *  wait. */
  readonly receive = (notice: Notice): void => {
    if (notice.kind === 'settled') this.#progress.delete(notice.run.id)
    if (notice.kind !== 'progressed' || this.#isDueProgress(notice)) this.#publish(notice)
  }

  #isDueProgress (notice: Progressed): boolean {
    const now = this.#clock.monotonic()
    const known = this.#progress.get(notice.run.id)
    if (known !== undefined && now - known.at < PROGRESS_EVERY) {
      known.waiting = notice
      return false
    }
    this.#progress.set(notice.run.id, { at: now, waiting: null })
    return true
  }

  /** Sends delayed progress, and a heartbeat every 15 seconds. Call it at least four times a second. */
  beat (): void {
    const now = this.#clock.monotonic()
    for (const [id, { at, waiting }] of this.#progress) {
      if (now - at < PROGRESS_EVERY) continue
      if (waiting === null) this.#progress.delete(id)
      else this.#progress.set(id, { at: now, waiting: null })
      if (waiting !== null) this.#publish(waiting)
    }
    if (now - this.#silentSince < HEARTBEAT) return
    this.#silentSince = now
    for (const reader of this.#readers) this.#send(reader, HEARTBEAT_FRAME)
  }

  /** Adds a reader, and first sends the frames after `after`, or a `reset` when they are no longer kept. Returns a
   *  function that removes the reader. */
  join ({ topics, after, sink, trusted = true }: JoinAsk): () => void {
    const view = `${trusted} ${topics?.toSorted().join() ?? 'all'}`
    const reader: Reader = { topics: topics && new Set(topics), sink, trusted, view }
    sink.write(Buffer.from(`retry: ${RETRY_MS}\n${after === undefined ? `id: ${this.#last}\n` : ''}\n`))
    if (after !== undefined) { for (const missed of this.#since(after, reader)) sink.write(missed) }
    if (this.#ended) sink.end()
    else this.#readers.add(reader)
    return () => void this.#readers.delete(reader)
  }

  /** Ends every reader, including those that join later. */
  end (): void {
    this.#ended = true
    for (const { sink } of this.#readers) sink.end()
    this.#readers.clear()
  }

  #since (after: number, reader: Reader): Buffer[] {
    const oldest = (this.#kept[0]?.id ?? this.#last + 1) - 1
    if (!(after >= oldest && after <= this.#last)) return [this.#reset()]
    const frames = this.#kept.filter(({ id, topic }) => id > after && wants(reader, topic)).map(kept =>
      frameOf(kept, reader.trusted)
    )
    return frames.reduce((sum, { length }) => sum + length, 0) > MOST_REPLAYED ? [this.#reset()] : frames
  }

  #reset (message = 'the missed events are no longer kept: read everything again'): Buffer {
    return frame(this.#last, 'reset', { kind: 'reset', at: iso(this.#clock.now()), message })
  }

  #publish (notice: Notice): void {
    const brief = 'run' in notice && 'state' in notice.run ? { ...notice, run: briefRun(notice.run) } as Notice : notice
    const received: Received = { at: this.#clock.now(), topic: topicOf(notice), notice: brief }
    if (this.#durable === undefined || !STORED.has(received.topic)) return this.#write([received])
    this.#waiting.push(received)
    this.#bound()
    if (!this.#isConfirming) void this.#confirm(this.#durable)
  }

  /** Bounds the waiting notices. Without readers, only the last `MOST_KEPT` can ever be sent. */
  #bound (): void {
    if (this.#readers.size === 0 && this.#waiting.length > 2 * MOST_KEPT) {
      this.#waiting.splice(0, this.#waiting.length - MOST_KEPT)
    }
    if (this.#waiting.length <= MOST_WAITING) return
    this.#waiting = []
    this.#lost = true
  }

  /** Sends the waiting notices in batches, each when its data is durable. When storing the data fails, the notices are
   *  discarded and readers get a `reset`. */
  async #confirm (durable: Durable): Promise<void> {
    this.#isConfirming = true
    while (this.#waiting.length > 0 || this.#lost) {
      const [batch, lost] = [this.#waiting, this.#lost]
      this.#waiting = []
      this.#lost = false
      const stored = await Promise.try(durable).then(() => true, () => false)
      if (lost || !stored) this.#forget()
      if (stored) await this.#writeAll(batch)
    }
    this.#isConfirming = false
  }

  async #writeAll (batch: readonly Received[]): Promise<void> {
    for (let start = 0; start < batch.length; start += SLICE) {
      if (start > 0) await turn()
      this.#write(batch.slice(start, start + SLICE))
    }
  }

  /** Sends a `reset` to current readers, and to readers that return with an older id. */
  #forget (): void {
    this.#last++
    this.#kept.length = 0
    const reset = this.#reset('some events were not sent: read everything again')
    for (const reader of this.#readers) if (wantsStored(reader)) this.#send(reader, reset)
  }

  /** Writes the notices to the readers of their topics. They are serialized once for all readers that receive the same
   *  frames, and joined into one write, because a write to each of a thousand readers costs more than the frames. */
  #write (batch: readonly Received[]): void {
    const kept = batch.map((received): Kept => ({ ...received, id: ++this.#last }))
    this.#kept.push(...kept)
    this.#kept.splice(0, this.#kept.length - MOST_KEPT)
    const frames = new Map<string, Buffer>()
    for (const reader of this.#readers) {
      const known = frames.get(reader.view)
      const bytes = known ?? Buffer.concat(
        kept.filter(({ topic }) => wants(reader, topic)).map(one => frameOf(one, reader.trusted))
      )
      if (known === undefined) frames.set(reader.view, bytes)
      if (bytes.length > 0) this.#send(reader, bytes)
    }
  }

  #send (reader: Reader, bytes: Buffer): void {
    const { sink } = reader
    if (sink.buffered <= MOST_BUFFERED) return sink.write(bytes)
    // A reader that has stopped reading must not fill the memory.
    this.#readers.delete(reader)
    sink.drop()
  }
}
