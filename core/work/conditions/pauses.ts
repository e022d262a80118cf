import Type from 'typebox'
import { DurationSchema } from '../../model/base/section.ts'
import { clamped, movedBy } from '../../model/base/clock.ts'
import { faultsOf } from '../../model/base/check.ts'
import { inputInvalid } from '../../model/errors/input-errors.ts'
import { milliseconds } from '../../model/base/duration.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Duration } from '../../model/base/duration.ts'
import type { Engine, AuditNote } from '../../engine/engine.ts'
import type { Json } from '../../model/json/json.ts'
import type { Pause } from '../../model/conditions/gate.ts'
import type { LiveConditions } from './conditions.ts'

/** A request for a pause. It ends at `until` (epoch ms) or after `for`; with neither it lasts until it is removed. */
export interface PauseAsk {
  scope: Pause['scope']
  name?: string | null
  until?: number | null
  for?: Duration
  by: string
  reason?: string | null
}

const AskSchema = Type.Object({
  scope: Type.Enum(['all', 'queue', 'task', 'tag']),
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  until: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  for: Type.Optional(DurationSchema),
  by: Type.String(),
  reason: Type.Optional(Type.Union([Type.String(), Type.Null()]))
}, { additionalProperties: false })

// A misspelt `until` must not make a pause without an end.
function check (ask: PauseAsk): void {
  const errors = faultsOf(AskSchema, ask)
  if (errors.length === 0 && ask.for !== undefined && (ask.until ?? null) !== null) {
    errors.push({ pointer: '/for', detail: "cannot be combined with 'until'" })
  }
  if (errors.length === 0 && ask.scope !== 'all' && (ask.name ?? null) === null) {
    errors.push({ pointer: '/name', detail: `is missing: expected the name of a ${ask.scope}` })
  }
  if (errors.length > 0) throw inputInvalid({ what: 'The pause was not made', errors })
}

const PREFIX = 'pause/'
const keyOf = ({ scope, name }: Pick<Pause, 'scope' | 'name'>) => `${PREFIX}${scope}/${name ?? ''}`

const isInstant = (value: unknown): boolean => typeof value === 'number' && clamped(value) === value

/** True when a stored value is a pause. */
function isPause (value: unknown): value is Pause & Json {
  const { scope, name, until, at, by } = (value ?? {}) as Partial<Pause>
  return ['all', 'queue', 'task', 'tag'].includes(scope!) && (scope === 'all' || typeof name === 'string') &&
    isInstant(at) && (until === null || isInstant(until)) && typeof by === 'string'
}

/** A pause that was made while the clock was wrong: it begins now and keeps its length. */
const broughtBack = (pause: Pause, now: number): Pause => ({
  ...pause,
  at: now,
  until: pause.until === null ? null : pause.until + movedBy(pause.at, now)
})

/** The pauses of tasks, queues, tags or everything. They are durable and recorded. */
export class Pauses {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #conditions: LiveConditions
  #pauses = new Map<string, Pause>()
  /** The keys of pauses that are being stored. */
  readonly #making: string[] = []

  constructor ({ engine, clock, conditions }: { engine: Engine, clock: Clock, conditions: LiveConditions }) {
    this.#engine = engine
    this.#clock = clock
    this.#conditions = conditions
  }

  /** Reads the stored pauses. */
  async load (): Promise<void> {
    const facts = await this.#engine.kept({ prefix: PREFIX })
    this.#pauses = new Map(facts.flatMap(({ name, value }) => isPause(value) ? [[name, value]] : []))
    this.#conditions.pause(this.list())
  }

  /** The pauses in force. */
  list (): Pause[] {
    const now = this.#clock.now()
    for (const [key, pause] of this.#pauses) {
      if (movedBy(pause.at, now) !== 0) this.#pauses.set(key, broughtBack(pause, now))
    }
    return [...this.#pauses.values()].filter(({ until }) => until === null || until > now)
  }

  /** Deletes pauses that ended at or before an instant, epoch ms. */
  async forget (by: number): Promise<void> {
    const now = this.#clock.now()
    this.list()
    for (const [key, { until }] of this.#pauses) {
      if (until === null || until > Math.min(by, now) || this.#making.includes(key)) continue
      await this.#engine.keep({ name: key, value: null, now })
      // It may have been replaced during the write.
      if (this.#pauses.get(key)?.until === until) this.#pauses.delete(key)
    }
  }

  /** Applies the pauses again after the clock was set. */
  refresh (): void {
    this.#conditions.pause(this.list())
  }

  /** Pauses a scope, or replaces its pause; resolves when it is durable. Throws OFFPEAK_INPUT_INVALID with every
   *  fault. */
  async add (ask: PauseAsk): Promise<Pause> {
    check(ask)
    const { scope, name = null, for: span, by, reason = null } = ask
    const at = this.#clock.now()
    const until = span === undefined ? ask.until ?? null : at + milliseconds(span)
    const pause: Pause = { scope, name: scope === 'all' ? null : name, until, by, at, reason }
    const key = keyOf(pause)
    this.#making.push(key)
    try {
      await this.#engine.keep({
        name: key,
        value: pause as unknown as Json,
        now: pause.at,
        record: recordOf('pause', pause, by)
      })
      this.#pauses.set(key, pause)
    } finally {
      this.#making.splice(this.#making.indexOf(key), 1)
    }
    this.#conditions.pause(this.list())
    return pause
  }

  /** Removes a pause; resolves to false when there is none. */
  async remove (ask: Pick<Pause, 'scope' | 'name'>, by: string): Promise<boolean> {
    const key = keyOf(ask.scope === 'all' ? { scope: 'all', name: null } : ask)
    if (!this.#pauses.has(key)) return false
    await this.#engine.keep({ name: key, value: null, now: this.#clock.now(), record: recordOf('resume', ask, by) })
    this.#pauses.delete(key)
    this.#conditions.pause(this.list())
    return true
  }
}

/** The audit note of a pause that is added or removed. */
function recordOf (
  action: 'pause' | 'resume',
  { scope, name, ...rest }: Pick<Pause, 'scope' | 'name'> & Partial<Pause>,
  by: string
): AuditNote {
  const subject = name === null ? scope : `${scope}/${name}`
  return {
    by,
    action,
    subject,
    detail: action === 'pause' ? { until: rest.until ?? null, reason: rest.reason ?? null } : null
  }
}
