/** When a task wants to run, as a definition says it. `trigger` is a kind or itself a crontab string; `timezone` is an
 *  IANA name or an offset, overridden by `trigger_args.timezone`, 'UTC' when neither is given. */
export interface TriggerSpec {
  trigger: string
  trigger_args?: Record<string, unknown> | null | undefined
  timezone?: string | undefined
}

/** A pure question: "which instant comes after t?" All instants are epoch milliseconds. */
export interface Trigger {
  kind: 'cron' | 'interval' | 'date'
  /** Seconds by which a fire may be late, 0 for none; the caller adds the chance. */
  jitter: number
  /** The last instant that a fire, jitter included, may have; Infinity when the schedule is open. */
  until: number
  /** The first fire strictly after an instant; null when there is none. */
  next(after: number): number | null
  /** The last fire in (from, to]; null when there is none. */
  latest(from: number, to: number): number | null
  /** How many fires lie in (from, to], counted no further than `cap`. */
  count(from: number, to: number, cap: number): number
}

/** The instants between which a trigger may fire, both inclusive. */
export interface Bounds {
  start: number
  end: number
}

/** 9999-12-31T23:59:59.999Z: no trigger fires later. */
export const LAST_INSTANT = 253_402_300_799_999
