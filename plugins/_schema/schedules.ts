import Type from 'typebox'
import { exactly } from './base.ts'

const trigger = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'cron, interval, date, or a crontab string'
})

/** A schedule to add. */
export const ScheduleIn = exactly({
  task: Type.String({ minLength: 1, maxLength: 64 }),
  trigger,
  trigger_args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  timezone: Type.Optional(Type.String({ title: 'time zone', minLength: 1, maxLength: 64 })),
  payload: Type.Optional(Type.Unknown())
}, { examples: [{ task: 'backup', trigger: '0 3 * * *', timezone: 'Europe/Rome', payload: { full: true } }] })

/** A merge patch of a schedule. */
export const SchedulePatchIn = exactly({
  trigger: Type.Optional(trigger),
  trigger_args: Type.Optional(Type.Unsafe<Record<string, unknown> | null>({
    type: ['object', 'null'],
    description: 'Merged with those of the same trigger; another trigger begins without arguments'
  })),
  timezone: Type.Optional(
    Type.Union([Type.String({ title: 'time zone', minLength: 1, maxLength: 64 }), Type.Null()], {
      description: 'null: that of the task'
    })
  ),
  payload: Type.Optional(Type.Unknown({ description: 'Merged with the payload if both are objects; null: none' })),
  paused: Type.Optional(Type.Boolean({ description: 'True: it does not fire, and misses nothing' }))
}, { minProperties: 1, examples: [{ trigger: '30 4 * * *', payload: { full: false } }] })
