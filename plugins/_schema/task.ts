import Type from 'typebox'
import { CLASSES, ON_DEADLINE, ON_LOST, ON_UNMET, STATES, STATUSES } from '../../core/index.ts'
import { Anything, Held, Instant, Withheld, exactly, nullable, word } from './base.ts'

const Counted = exactly(Object.fromEntries(STATES.map(state => [state, Type.Integer()])))

const LastRun = nullable(exactly({
  id: Type.String(),
  state: word(STATES),
  at: Instant,
  duration: nullable(Type.Number()),
  error: nullable(Type.String()),
  warning: nullable(Type.String())
}, { title: 'LastRun' }))

const Trigger = nullable(exactly({
  kind: Type.String(),
  args: Type.Record(Type.String(), Anything),
  timezone: Type.String(),
  words: Type.String({ description: 'The trigger in plain English' })
}, { title: 'Trigger' }))

/** The class of a run or task, and the reason for it. */
export const Classed = exactly({ class: word(CLASSES), because: Type.String({ description: 'Why it has this class' }) },
  { title: 'Classed' })

export const Task = exactly({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  type: Type.String(),
  queue: Type.String(),
  priority: Type.String(),
  tags: Type.Array(Type.String()),
  enabled: Type.Boolean(),
  trigger: Trigger,
  status: { ...word(STATUSES), examples: ['scheduled'] },
  paused: nullable(exactly({
    scope: Type.String(),
    name: nullable(Type.String()),
    until: nullable(Instant),
    by: Type.String(),
    reason: nullable(Type.String())
  }, { description: 'The pause of the task, its queue, a tag or everything that lasts longest' })),
  held: Held,
  last_run: LastRun,
  next_run: nullable(Instant),
  counts: Counted,
  max_retries: Type.Integer(),
  timeout: Type.Number({ description: 'Seconds; 0: no limit' }),
  concurrency: nullable(Type.Integer()),
  overlap: Type.String(),
  misfire: Type.String(),
  class: Classed,
  constraints: Type.Record(Type.String(), Anything, { description: 'The conditions that the machine has to meet' }),
  deadline: Type.Number({ description: 'The longest time that a run may be held, seconds' }),
  on_deadline: word(ON_DEADLINE),
  on_unmet: word(ON_UNMET),
  on_lost: word(ON_LOST),
  flex: Type.Number({ description: 'The most by which a scheduled run may be moved to a quieter time, seconds' }),
  preemptible: Type.Boolean(),
  source: Type.String({ description: 'The task file' })
}, { title: 'Task' })

export const Resting = (description: string) =>
  nullable(exactly({ code: Type.String(), message: Type.String() }, { description }))

export const Schedule = exactly({
  id: Type.String(),
  task: Type.String(),
  origin: word(['file', 'api']),
  trigger: Type.String(),
  trigger_args: Type.Record(Type.String(), Anything),
  timezone: Type.String(),
  payload: Anything,
  words: Type.String(),
  next_at: nullable(Instant),
  nominal_at: nullable(Instant),
  created_at: Instant,
  created_by: Type.String(),
  ...Withheld,
  paused: Type.Boolean({ description: 'True when somebody has paused it' }),
  resting: Type.Boolean({ description: 'True when it does not fire' }),
  reason: Resting('Why it does not fire')
}, { title: 'Schedule' })
