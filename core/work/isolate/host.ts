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

/** How often open file system calls are checked, ms. */
const LOOK = 2000

interface HostOptions {
  job: Job
  port: Port<Up, Down>
  /** The resource usage since the start. */
  used: () => Usage
  /** Called at the end; true when this thread must not be used again. */
  worn: () => boolean
}

/** Unanswered requests to the manager. */
class Requests {
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

/** The last hints that the manager sent. */
class Advice {
  // An error of a listener is an uncaught error of its task. The other listeners are still called.
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

/** The request as JSON. Throws OFFPEAK_INPUT_INVALID, as inline, for values that are not JSON. */
function askOf (task: string, ask: Enqueue): Json {
  checkAsk(ask)
  const { payload, due_at: dueAt, ...rest } = ask
  // JSON would turn an invalid date into null.
  const due = dueAt instanceof Date ? dueAt.getTime() : dueAt
  const { json, fault } = strictJson({ ...rest, due_at: Number.isNaN(due) ? 'Invalid Date' : due })
  if (fault !== null) throw inputInvalid({ what: 'The run was not added', errors: [fault] })
  return payload === undefined ? json : { ...json as { [key: string]: Json }, payload: payloadJson(task, payload) }
}

interface Ends {
  controller: AbortController
  requests: Requests
  advice: Advice
  reporter: Reporter
}

/** The context of the run, whose requests and reports are sent to the manager. */
const contextOf = (job: Job, { controller, requests, advice, reporter }: Ends): TaskContext =>
  contextFor({
    run: job.run,
    version: job.version,
    reach: job.reach,
    stop: controller,
    log: () => reporter.log,
    progress: reporter.progress,
    services: () => ({
      config: job.config,
      offpeak: Object.fromEntries(job.calls.map(name => [name, () => requests.ask('call', name)]))
    }),
    conditions: advice,
    breathe: async ({ slot }) => void await requests.ask('breathe', { slot }),
    save: async state => void await requests.ask('save', state),
    enqueue: async (task, ask) =>
      await requests.ask('enqueue', typeof task === 'string' ? cut(task, 200) : wordsOf(task),
        askOf(task, ask)) as string
  })

/** Executes a run outside the manager, with which it communicates through the port. Resolves after the end is reported,
 *  to true when this thread must not be used again. Never rejects. */
export async function host ({ job, port, used, worn: isWorn }: HostOptions): Promise<boolean> {
  const controller = new AbortController()
  const requests = new Requests(port)
  const advice = new Advice(job.hints)
  const reporter = new Reporter(port, systemClock)
  const ctx = contextOf(job, { controller, requests, advice, reporter })
  const scope = scopeOf(ctx, () => reporter.log)
  // Errors of listeners of the task are attributed to the task.
  port.listen(message =>
    runScope.run(scope, () => {
      if (message.say === 'stop') controller.abort(new StopReason(message.code, message.message, message.by))
      else if (message.say === 'hints') advice.take(message.hints)
      else if (message.say === 'answer') requests.answered(message)
    })
  )
  const unwatch = await watchCalls(port, job.run.id)
  const ended = await runScope.run(scope, () => execute(job, ctx, requests))
  unwatch()
  try {
    scope.output.end()
    reporter.end()
  } catch (error) {
    // The end is reported even if the last log lines cannot be.
    port.post({ say: 'uncaught', error: failureOf(error) })
  }
  const worn = isWorn()
  port.post({ say: 'ended', ended, used: used(), worn })
  return worn
}

/** Reports file system calls that do not return. Returns a function that stops the reports. */
async function watchCalls (port: Port<Up, Down>, run: string): Promise<() => void> {
  await fileCalls.start()
  let isReported = false
  const timer = setInterval(() => {
    const found = fileCalls.longerThan(STUCK).find(call => call.run === run)
    if (found === undefined && !isReported) return
    isReported = found !== undefined
    port.post({ say: 'waits', ms: found?.ms ?? null })
  }, LOOK)
  timer.unref()
  return () => {
    clearInterval(timer)
    void fileCalls.stop()
  }
}

async function execute ({ home }: Job, ctx: TaskContext, requests: Requests): Promise<Ended> {
  try {
    const func = await functionOf(home)
    // A stop that was sent during the import was not received. A run that is asked to stop does not begin.
    await requests.ask('begin')
    return returned(executed(await func(ctx)))
  } catch (error) {
    return threw(error)
  }
}
