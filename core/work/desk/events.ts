import { SECOND } from '../../model/base/duration.ts'
import { briefRun, eventView, topicOf } from '../../model/view/event.ts'
import { iso } from '../../model/base/clock.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Notice } from '../../model/notice.ts'
import type { Topic } from '../../model/view/event.ts'

/** Where the frames of one reader go. `buffered`: bytes that it has not taken yet. */
export interface Sink {
  write (frame: Buffer): void
  readonly buffered: number
  /** Ends it in order. */
  end (): void
  /** Ends it at once, whatever it has not taken. */
  drop (): void
}

/** `topics` null: all. `after`: the last id that was seen, whatever was sent as one; undefined: from now on. */
export interface JoinAsk { topics: readonly Topic[] | null, after?: number | undefined, sink: Sink }

interface Reader { topics: ReadonlySet<Topic> | null, sink: Sink }
interface Kept { id: number, at: number, topic: Topic, notice: Notice }
type Progressed = Extract<Notice, { kind: 'progressed' }>

const MOST_KEPT = 500
const MOST_REPLAYED = 512 * 1024
const MOST_BUFFERED = 1024 * 1024
const PROGRESS_EVERY = SECOND / 4
const HEARTBEAT = 15 * SECOND
const IDS_PER_MS = 1000
const RETRY_MS = 2000

const SILENCE = Buffer.from(':\n\n')

const frame = (id: number, kind: string, data: object) => Buffer.from(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
const frameOf = ({ id, at, notice }: Kept) => frame(id, notice.kind, eventView(notice, at))

const wants = ({ topics }: Pick<Reader, 'topics'>, topic: Topic): boolean => topics === null || topics.has(topic)

/** Tells every notice to whoever reads along, as frames of a text/event-stream. Nothing is put into words while nobody reads. */
export class Broadcast {
  readonly #clock: Clock
  readonly #readers = new Set<Reader>()
  readonly #kept: Kept[] = []
  readonly #progress = new Map<string, { at: number, waiting: Progressed | null }>()
  #last: number
  #silentSince: number
  #ended = false

  constructor ({ clock }: { clock: Clock }) {
    this.#clock = clock
    // Ids rise across restarts too: one of an earlier process is known as too old.
    this.#last = Math.floor(clock.now()) * IDS_PER_MS
    this.#silentSince = clock.monotonic()
  }

  get readers (): number {
    return this.#readers.size
  }

  /** Takes a notice in. A run's progress is told four times a second at most; what waits is the newest. */
  readonly hear = (notice: Notice): void => {
    if (notice.kind === 'settled') this.#progress.delete(notice.run.id)
    if (notice.kind !== 'progressed' || this.#mayPass(notice)) this.#say(notice)
  }

  #mayPass (notice: Progressed): boolean {
    const now = this.#clock.monotonic()
    const known = this.#progress.get(notice.run.id)
    if (known !== undefined && now - known.at < PROGRESS_EVERY) {
      known.waiting = notice
      return false
    }
    this.#progress.set(notice.run.id, { at: now, waiting: null })
    return true
  }

  /** To be called now and then: tells progress that has waited, and gives a sign of life where nothing else does. */
  beat (): void {
    const now = this.#clock.monotonic()
    for (const [id, { at, waiting }] of this.#progress) {
      if (now - at < PROGRESS_EVERY) continue
      if (waiting === null) this.#progress.delete(id)
      else this.#progress.set(id, { at: now, waiting: null })
      if (waiting !== null) this.#say(waiting)
    }
    if (now - this.#silentSince < HEARTBEAT) return
    this.#silentSince = now
    for (const reader of this.#readers) this.#send(reader, SILENCE)
  }

  /** Adds a reader, with what it has missed or a `reset` when that is not known any more; the answer takes it away. */
  join ({ topics, after, sink }: JoinAsk): () => void {
    const reader: Reader = { topics: topics && new Set(topics), sink }
    sink.write(Buffer.from(`retry: ${RETRY_MS}\n${after === undefined ? `id: ${this.#last}\n` : ''}\n`))
    if (after !== undefined) for (const missed of this.#since(after, reader)) sink.write(missed)
    if (this.#ended) sink.end()
    else this.#readers.add(reader)
    return () => void this.#readers.delete(reader)
  }

  /** Ends every reader, and whoever still comes. */
  end (): void {
    this.#ended = true
    for (const { sink } of this.#readers) sink.end()
    this.#readers.clear()
  }

  #since (after: number, reader: Reader): Buffer[] {
    const oldest = (this.#kept[0]?.id ?? this.#last + 1) - 1
    if (!(after >= oldest && after <= this.#last)) return [this.#reset()]
    const frames = this.#kept.filter(({ id, topic }) => id > after && wants(reader, topic)).map(frameOf)
    return frames.reduce((sum, { length }) => sum + length, 0) > MOST_REPLAYED ? [this.#reset()] : frames
  }

  #reset (): Buffer {
    return frame(this.#last, 'reset', { kind: 'reset', at: iso(this.#clock.now()), message: 'what was missed is not known any more: read everything anew' })
  }

  #say (notice: Notice): void {
    const brief = 'run' in notice && 'state' in notice.run ? { ...notice, run: briefRun(notice.run) } as Notice : notice
    const kept: Kept = { id: ++this.#last, at: this.#clock.now(), topic: topicOf(notice), notice: brief }
    this.#kept.push(kept)
    if (this.#kept.length > MOST_KEPT) this.#kept.shift()
    const readers = [...this.#readers].filter(reader => wants(reader, kept.topic))
    if (readers.length === 0) return
    const told = frameOf(kept)
    for (const reader of readers) this.#send(reader, told)
  }

  #send (reader: Reader, told: Buffer): void {
    const { sink } = reader
    if (sink.buffered <= MOST_BUFFERED) return sink.write(told)
    // Whoever does not read must not fill the memory of the one who speaks.
    this.#readers.delete(reader)
    sink.drop()
  }
}
