import { fileCalls } from '../context/file-calls.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { failureOf } from '../../model/run/failure.ts'
import { inputInvalid } from '../../model/errors/input-errors.ts'
import { logArgument } from '../../model/run/log-part.ts'
import { RESULT_LIMITS, looseJson, strictJson } from '../../model/json/json.ts'
import { checkpointNotJson } from '../../model/errors/run-errors.ts'
import { usageIn } from '../../model/run/usage.ts'
import type { Ask, Down, Ended, Job, Moved, Place, Port, Up } from './wire.ts'
import type { Breathing, Enqueue, TaskContext, TaskProgress } from '../../model/task/context.ts'
import type { ContextOptions } from '../context/context.ts'
import type { Failure } from '../../model/run/outcome.ts'
import type { FunctionSource } from '../../model/task/isolation.ts'
import type { Usage } from '../../model/run/usage.ts'
import type { Json } from '../../model/json/json.ts'

interface AttendAsk {
  ctx: TaskContext
  /** The options of the context. */
  given: ContextOptions
  port: Port<Down, Up>
  /** Called with an error that nobody caught. */
  uncaught: (error: Failure) => void
}

/** The end of the work. `worn`: its thread must not be used again. */
interface Ending {
  ended: Ended
  used: Usage | null
  worn: boolean
}

/** The limits of values that are passed between offpeak and a thread or process. */
const PASSED = { bytes: 16 * 2 ** 20, depth: 64 }
/** The limits of a checkpoint: its state and the results of its steps. */
const KEPT = { bytes: 3 * RESULT_LIMITS.bytes, depth: RESULT_LIMITS.depth + 8 }

type Call = () => unknown

const callsOf = ({ services }: ContextOptions): Record<string, Call> => {
  const own = services().offpeak
  return typeof own === 'object' && own !== null ? own as Record<string, Call> : {}
}

/** The message with which a thread or process executes a run. */
export function jobOf (home: FunctionSource, given: ContextOptions): Job {
  const { config } = given.services()
  const calls = Object.entries(callsOf(given)).filter(([, call]) => typeof call === 'function').map(([name]) => name)
  return {
    home,
    run: given.run,
    version: given.version,
    hints: given.conditions.hints,
    config: looseJson(config ?? null, PASSED).json,
    calls,
    reach: given.reach ?? {}
  }
}

/** The result of a call as JSON. Throws OFFPEAK_INPUT_INVALID when it is not JSON. */
function passed (name: string, answer: unknown): Json {
  const { json, fault } = strictJson(answer, PASSED)
  if (fault === null) return json
  throw inputInvalid({ what: `The result of services.offpeak.${name} cannot be passed on`, errors: [fault] })
}

/** A checkpoint from the other end. Throws OFFPEAK_CHECKPOINT_NOT_JSON: a task may have bypassed the check there. */
function kept (state: unknown): Json {
  const { json, fault } = strictJson(state, KEPT)
  if (fault === null) return json
  throw checkpointNotJson(fault)
}

/** The requests that the other end may make for the task. */
const answers = ({ ctx, given }: AttendAsk): Record<Ask, (...words: unknown[]) => unknown> => ({
  begin: () => ctx.signal.throwIfAborted(),
  save: state => given.save(kept(state)),
  enqueue: (task, ask) => given.enqueue(task as string, ask as Enqueue),
  breathe: breathing => given.breathe(breathing as Breathing),
  call: async name => passed(name as string, await callsOf(given)[name as string]!())
})

function move (progress: TaskProgress, { stage, total, unit, current, message }: Moved): void {
  if (stage !== undefined) progress.setStage(stage)
  if (total !== undefined) progress.setTotal(total, unit)
  if (current !== undefined) progress.update(current, message)
  else if (message !== undefined) progress.setMessage(message)
}

/** Forwards the stop of the run and changed hints to the other end. Returns a function that stops this. */
function forward ({ ctx: { signal, onHints }, port }: AttendAsk): () => void {
  const stop = () => {
    const { code, message, by } = signal.reason as StopReason
    port.post({ say: 'stop', code, message, by })
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  const off = onHints(hints => port.post({ say: 'hints', hints }))
  return () => {
    off()
    signal.removeEventListener('abort', stop)
  }
}

type Handlers = { [S in Up['say']]: (message: Extract<Up, { say: S }>) => void }

/** Answers requests of the other end while it listens. */
function answering (ask: AttendAsk, isOpen: () => boolean): Handlers['ask'] {
  const asked = answers(ask)
  const post = (message: Extract<Down, { say: 'answer' }>) => {
    if (isOpen()) ask.port.post(message)
  }
  const answer = async ({ id, what, words }: Extract<Up, { say: 'ask' }>) => {
    try {
      post({ say: 'answer', id, value: await asked[what](...words) })
    } catch (error) {
      post({ say: 'answer', id, error: failureOf(error) })
    }
  }
  return message => void answer(message)
}

/** Serves work that is executed elsewhere: keeps its log, progress and checkpoints, and answers its requests. `ending`:
 *  its end, null until it is reported; `over`: resolves with the end; `began`: resolves to the place where it is
 *  executed; `end`: stops listening. */
export function attend (ask: AttendAsk) {
  const { ctx, given: { run }, port, uncaught } = ask
  const over = Promise.withResolvers<Ending>()
  const began = Promise.withResolvers<Place>()
  let open = true
  const end = () => {
    open = false
    off()
    fileCalls.recordElsewhere(run.id, run.task, null)
  }
  const attended = { ending: null as Ending | null, over: over.promise, began: began.promise, end }
  const handlers: Handlers = {
    began: ({ place }) => began.resolve(place),
    log: ({ level, words }) => ctx.log[level](...words.map(logArgument)),
    progress: ({ moved }) => move(ctx.progress, moved),
    ask: answering(ask, () => open),
    uncaught: ({ error }) => uncaught(failureOf(error)),
    waits: ({ ms }) => fileCalls.recordElsewhere(run.id, run.task, typeof ms === 'number' ? ms : null),
    ended: ({ ended, used, worn }) => {
      attended.ending ??= { ended, used: usageIn(used), worn: worn === true }
      over.resolve(attended.ending)
    }
  }
  port.listen(message => {
    try {
      if (open) handlers[message.say]?.(message as never)
    } catch (error) {
      // A task may forge messages, which must not end offpeak.
      uncaught(failureOf(error))
    }
  })
  const off = forward(ask)
  return attended
}
