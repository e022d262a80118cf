import { SECOND, milliseconds } from '../model/base/duration.ts'
import { Runner } from '../work/run/runner.ts'
import { Planner } from '../work/plan/planner.ts'
import { StopReason } from '../model/run/outcome.ts'
import { uploadsIn } from '../work/desk/uploads.ts'
import { runLog } from '../log.ts'
import { ownFolders } from './folders.ts'
import type { Services } from '../model/task/context.ts'
import type { Wiring } from './parts.ts'

export function plannerFor ({ parts, random, tasks, leadMs }: Wiring): Planner {
  const { engine, clock, notices } = parts
  return new Planner({
    engine,
    clock,
    random,
    tasks,
    leadMs,
    notice: notices.send,
    move: (task, nominal, next) => parts.activity.move(task, nominal, next),
    replaced: run => parts.runner.abort(run.id, new StopReason('cancelled', 'replaced by a later fire'))
  })
}

export function runnerFor ({ parts, options, config, folder, random, tasks, leadMs }: Wiring): Runner {
  const { engine, clock, conditions, owner, notices, settings, watch } = parts
  const { log } = config()
  return new Runner({
    engine,
    clock,
    random,
    tasks,
    conditions,
    owner,
    leadMs,
    uploads: () => uploadsIn(folder()),
    notice: notices.send,
    inline: watch.table,
    slots: () => config().manager.scheduler_thread_pool,
    stopGraceMs: () => milliseconds(config().manager.stop_grace),
    abortGraceMs: options.abortGraceMs ?? 5 * SECOND,
    logFor: write =>
      runLog({ level: log.level === 'silent' ? 'info' : log.level, redact: log.redact, now: clock.now })(write),
    services: () => ({
      config: config().services,
      offpeak: {
        sweep: () => parts.upkeep.sweep(),
        report: () => parts.desk.report(),
        folders: () => ownFolders(settings)
      },
      ...options.services
    } as Services),
    enqueue: async (task, ask) => (await parts.desk.enqueue(task, ask, 'task')).run.id,
    ended: (run, outcome) => parts.breaker.ended(run, outcome)
  })
}
