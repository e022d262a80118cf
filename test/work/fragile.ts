import { Breaker } from '../../core/work/conditions/breaker.ts'
import { Pauses } from '../../core/work/conditions/pauses.ts'
import { harness } from './harness.ts'
import { until } from '../clock.ts'
import type { HarnessOptions, Owner } from './harness.ts'
import type { Run } from '../../core/model/run/run.ts'
import type { Task } from '../../core/model/task/task.ts'

const MINUTE = 60_000
const rule = { failures: 3, pauseMs: MINUTE, capMs: 5 * MINUTE }

/** A function that throws until `mend` is called. */
function failing () {
  let works = false
  const func = () => {
    if (!works) throw new Error('the line is dead')
    return 'done'
  }
  const mend = () => {
    works = true
  }
  return { func, mend }
}

/** A task that fails until `mend` is called, behind a breaker. */
export async function fragile (t: Owner, over: Partial<Task> = {}, options: HarnessOptions = {}) {
  const { func, mend } = failing()
  let breaker: Breaker | null = null
  const it = await harness(t, {
    tasks: [{ breaker: rule, max_retries: 0, work: { kind: 'function', func }, ...over }],
    ...options,
    onNotice: notice => breaker?.receive(notice),
    ended: (run, outcome) => breaker?.ended(run, outcome)
  })
  const pauses = new Pauses(it)
  const restart = async () => {
    breaker = new Breaker({ ...it, pauses, notice: notice => void it.notices.push(notice), tasks: () => it.tasks })
    await breaker.load()
  }
  await restart()
  const ended = async (id: string) => {
    await until('it is over',
      () => it.noticesOf('settled').some(notice => notice.kind === 'settled' && notice.run.id === id))
    await breaker!.settled()
  }
  const once = async () => await ended((await it.desk.enqueue('work')).run.id)
  /** Advances the clock and drops pauses that have ended. */
  const wait = (ms: number) => {
    it.clock.advance(ms)
    it.conditions.pause(pauses.list())
  }
  return {
    ...it,
    pauses,
    once,
    over: ended,
    wait,
    fails: (run: Run) =>
      breaker!.ended(run, { kind: 'failed', error: { name: 'Error', message: 'late' }, retry_at: null }),
    settled: () => breaker!.settled(),
    mend,
    restart
  }
}
