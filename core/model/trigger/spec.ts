/** The trigger of a definition. `trigger`: a kind, or a crontab string. `timezone`: an IANA name or an offset;
 *  `trigger_args.timezone` overrides it, 'UTC' when both are absent. */
export interface TriggerSpec {
  trigger: string
  trigger_args?: Record<string, unknown> | null | undefined
  timezone?: string | undefined
}

/** A compiled trigger. All instants are epoch milliseconds; every function is pure. */
export interface Trigger {
  kind: 'cron' | 'interval' | 'date'
  /** Seconds by which a fire may be late, 0 for none; the caller chooses at random. */
  jitter: number
  /** The last instant for a fire, jitter included; Infinity when the schedule has no end. */
  until: number
  /** The first fire strictly after an instant; null when there is none. */
  next(after: number): number | null
  /** The last fire in (from, to]; null when there is none. */
  latest(from: number, to: number): number | null
  /** The number of fires in (from, to], at most `cap`. */
  count(from: number, to: number, cap: number): number
}

/** The instants between which a trigger may fire, both inclusive. */
export interface Bounds {
  start: number
  end: number
}

/** 9999-12-31T23:59:59.999Z: no trigger fires later. */
export const LAST_INSTANT = 253_402_300_799_999
