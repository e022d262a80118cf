import { STUCK, fileCalls } from '../context/file-calls.ts'
import { Listeners } from '../../model/base/listeners.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { Reporter } from './reporter.ts'
import { cut } from '../../model/json/text.ts'
import { contextFor } from '../context/context.ts'
import { failureOf, wordsOf } from '../../model/run/failure.ts'
import { functionOf } from './module.ts'
import { returned, threw } from './wire.ts'
import { executed } from '../../model/run/result.ts'
import { revived } from '../../model/run/log-part.ts'
import { runScope, scopeOf } from '../context/scope.ts'
import { inputInvalid } from '../../model/errors/input-errors.ts'
import { checkAsk, payloadJson } from '../../model/run/payload.ts'
import { strictJson } from '../../model/json/json.ts'
import { systemClock } from '../../model/base/clock.ts'
import type { Ask, Down, Ended, Job, Port, Up } from './wire.ts'
import type { Enqueue, TaskContext } from '../../model/task/context.ts'
import type { Hints } from '../../model/machine/hints.ts'
import type { Json } from '../../model/json/json.ts'
import type { Usage } from '../../model/run/usage.ts'

/** How often open calls to the file system are looked at, ms. */
const LOOK = 2000

interface HostOptions {
  job: Job
  port: Port<Up, Down>
  /** What has been used since the start. */
  used: () => Usage
  /** Called at the end: true when this place must not be used again. */
  worn: () => boolean
}

/** Questions to the manager that are under way. */
class Questions {
  readonly #port: Port<Up, Down>
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #last = 0

  constructor (port: Port<Up, Down>) {
    this.#port = port
  }

  ask (what: Ask, ...words: unknown[]): Promise<unknown> {
    const asked = Promise.withResolvers<unknown>()
    const id = ++this.#last
    this.#waiting.set(id, asked)
    this.#port.post({ say: 'ask', id, what, words })
    return asked.promise
  }

  answered ({ id, value, error }: Extract<Down, { say: 'answer' }>): void {
    const asked = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error) asked?.reject(revived(error))
    else asked?.resolve(value)
  }
}

/** The hints that the manager sent last. */
class Advice {
  // What a listener throws is an error of its task that nobody has caught; it keeps no other listener from being
  // called.
  readonly #listeners = new Listeners<[]>(({ error }) =>
    queueMicrotask(() => {
      throw error
    })
  )
  hints: Hints

  constructor (hints: Hints) {
    this.hints = hints
  }

  take (hints: Hints): void {
    this.hints = hints
    this.#listeners.call()
  }

  onChange (listener: () => unknown, name?: string): () => void {
    return this.#listeners.add(listener, name)
  }
}

/** The request as JSON. Throws OFFPEAK_INPUT_INVALID for what is not JSON, as it is thrown inline. */
function askOf (task: string, ask: Enqueue): Json {
  checkAsk(ask)
  const { payload, due_at: dueAt, ...rest } = ask
  // JSON would make null of an invalid date.
  const due = dueAt instanceof Date ? dueAt.getTime() : dueAt
  const { json, fault } = strictJson({ ...rest, due_at: Number.isNaN(due) ? 'Invalid Date' : due })
  if (fault !== null) throw inputInvalid({ what: 'The run was not added', errors: [fault] })
  return payload === undefined ? json : { ...json as { [key: string]: Json }, payload: payloadJson(task, payload) }
}

interface Ends {
  controller: AbortController
  questions: Questions
  advice: Advice
  reporter: Reporter
}

/** The context of the run: what it asks for and reports goes to the manager. */
const contextOf = (job: Job, { controller, questions, advice, reporter }: Ends): TaskContext =>
  contextFor({
    run: job.run,
    version: job.version,
    reach: job.reach,
    stop: controller,
    log: () => reporter.log,
    progress: reporter.progress,
    services: () => ({
      config: job.config,
      offpeak: Object.fromEntries(job.calls.map(name => [name, () => questions.ask('call', name)]))
    }),
    conditions: advice,
    breathe: async ({ slot }) => void await questions.ask('breathe', { slot }),
    save: async state => void await questions.ask('save', state),
    enqueue: async (task, ask) =>
      await questions.ask('enqueue', typeof task === 'string' ? cut(task, 200) : wordsOf(task),
        askOf(task, ask)) as string
  })

/** Executes one run here, away from the manager; its context is the other end of the port. Resolves once the end is
 *  reported, to true when this place must not be used again. Never rejects. */
export async function host ({ job, port, used, worn: isWorn }: HostOptions): Promise<boolean> {
  const controller = new AbortController()
  const questions = new Questions(port)
  const advice = new Advice(job.hints)
  const reporter = new Reporter(port, systemClock)
  const ctx = contextOf(job, { controller, questions, advice, reporter })
  const scope = scopeOf(ctx, () => reporter.log)
  // What listeners of the task throw is the task's.
  port.listen(message =>
    runScope.run(scope, () => {
      if (message.say === 'stop') controller.abort(new StopReason(message.code, message.message, message.by))
      else if (message.say === 'hints') advice.take(message.hints)
      else if (message.say === 'answer') questions.answered(message)
    })
  )
  const unwatch = await watchCalls(port, job.run.id)
  const ended = await runScope.run(scope, () => execute(job, ctx, questions))
  unwatch()
  try {
    scope.output.end()
    reporter.end()
  } catch (error) {
    // The end is reported even when the last lines of the log are not.
    port.post({ say: 'uncaught', error: failureOf(error) })
  }
  const worn = isWorn()
  port.post({ say: 'ended', ended, used: used(), worn })
  return worn
}

/** Reports calls to the file system that do not return; returns a function that ends that. */
async function watchCalls (port: Port<Up, Down>, run: string): Promise<() => void> {
  await fileCalls.start()
  let told = false
  const timer = setInterval(() => {
    const found = fileCalls.longerThan(STUCK).find(call => call.run === run)
    if (found === undefined && !told) return
    told = found !== undefined
    port.post({ say: 'waits', ms: found?.ms ?? null })
  }, LOOK)
  timer.unref()
  return () => {
    clearInterval(timer)
    void fileCalls.stop()
  }
}

async function execute ({ home }: Job, ctx: TaskContext, questions: Questions): Promise<Ended> {
  try {
    const func = await functionOf(home)
    // A stop that came while the module was imported was not received: a run that is to stop does not begin.
    await questions.ask('begin')
    return returned(executed(await func(ctx)))
  } catch (error) {
    return threw(error)
  }
}
