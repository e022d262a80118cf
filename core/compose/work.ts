import { Alarm } from '../work/plan/alarm.ts'
import { Breaker } from '../work/conditions/breaker.ts'
import { ClockSteps } from '../work/conditions/clock-steps.ts'
import { Desk } from '../work/desk/desk.ts'
import { Explain } from '../work/desk/explain.ts'
import { forecastThread } from '../simulate/forecast-thread.ts'
import { Forecaster } from '../work/plan/forecaster.ts'
import { Activity } from '../work/plan/activity.ts'
import { RunHistory } from '../work/desk/run-history.ts'
import { MachineDesk } from '../work/desk/machine-desk.ts'
import { Pauses } from '../work/conditions/pauses.ts'
import { StandstillWatch } from '../work/upkeep/standstill.ts'
import { StoreFeed } from '../work/upkeep/store-feed.ts'
import { Ticker } from '../work/upkeep/ticker.ts'
import { UploadDesk } from '../work/desk/upload-desk.ts'
import { uploadsIn } from '../work/desk/uploads.ts'
import { Upkeep } from '../work/upkeep/maintenance.ts'
import { encodeId, nextNumber } from '../model/run/id.ts'
import { Scheduling } from '../work/upkeep/scheduling.ts'
import { Sampler } from '../work/upkeep/sampler.ts'
import { beatsFor } from './beats.ts'
import { plannerFor, runnerFor } from './planner-and-runner.ts'
import type { Clock } from '../model/base/clock.ts'
import type { Parts, Wiring } from './parts.ts'

/** The ids of schedules that are added at run time. */
function scheduleIds (clock: Clock): () => string {
  let last = 0
  return () => {
    last = nextNumber(last, clock.now())
    return `s${encodeId(last)}`
  }
}

/** The parts that answer people and tasks: runs, reasons, readings, statistics, files. */
function composeDesk ({ parts, config, folder, tasks }: Wiring): void {
  const { catalog, clock, conditions, engine, notices, planner, runner, senses, settings } = parts
  parts.desk = new Desk({
    engine,
    clock,
    notice: notices.send,
    tasks,
    coming: () => catalog.coming,
    faultOf: id => catalog.faultOf(id),
    conditions,
    planner,
    runner,
    scheduleId: scheduleIds(clock),
    uploads: () => uploadsIn(folder())
  })
  parts.explain = new Explain({
    engine,
    clock,
    runner,
    planner,
    task: id => parts.desk.definition(id),
    placeOf: pointer => settings.placeOf(pointer),
    forecaster: () => parts.forecaster
  })
  parts.machine = new MachineDesk({ engine, clock, conditions, senses })
  parts.history = new RunHistory({ engine, clock })
  parts.uploads = new UploadDesk({ engine, clock, config, folder, sureBy: () => parts.upkeep.sureBy() })
}

function composeForecast ({ parts, config, tasks }: Wiring): void {
  const { clock, conditions, engine, notices, planner } = parts
  parts.activity = new Activity({ engine, clock, config })
  parts.forecaster = new Forecaster({
    engine,
    clock,
    config,
    conditions,
    tasks,
    planner: () => planner,
    activity: () => parts.activity.histogram,
    computeForecast: forecastThread.computeForecast
  })
  notices.listen(parts.forecaster.changed, 'forecast')
}

/** Reads changed facts: pauses and breaker counts of other managers on the same store apply here too. */
function followFacts ({ pauses, breaker }: Pick<Parts, 'pauses' | 'breaker'>): void {
  void pauses.load().catch(() => undefined)
  breaker.refresh()
}

/** The parts that watch the store and the machine. */
function composeUpkeep ({ parts, config, folder, tasks }: Wiring): void {
  const { clock, conditions, engine, notices, owner, planner, runner, steps } = parts
  const notice = notices.send
  parts.pauses = new Pauses({ engine, clock, conditions })
  parts.breaker = new Breaker({ engine, clock, notice, tasks, conditions, pauses: parts.pauses })
  notices.listen(parts.breaker.receive, 'breaker')
  parts.upkeep = new Upkeep({ engine, clock, notice, config, folder, owner, steps })
  parts.standstill = new StandstillWatch({ engine, clock, notice, config, verdict: run => runner.verdicts.of(run) })
  notices.listen(parts.standstill.receive, 'standstill')
  parts.feed = new StoreFeed({
    engine,
    owner,
    notice,
    facts: () => followFacts(parts),
    schedules: () => void planner.follow().catch(() => undefined)
  })
}

/** The alarm of the next fire, and the timed loops. */
function composeTime (wiring: Wiring): void {
  const { parts, tasks } = wiring
  const { clock, conditions, desk, activity, notices, owner, planner, runner, senses } = parts
  const notice = notices.send
  const alarm = new Alarm({ clock, ring: () => void parts.scheduling.fire() })
  parts.scheduling = new Scheduling({
    owner,
    clock,
    planner,
    runner,
    desk,
    alarm,
    tasks,
    coming: () => parts.catalog.coming,
    notice
  })
  parts.sampler = new Sampler({ clock, senses, conditions, activity, notice })
  parts.ticker = new Ticker({ beats: beatsFor(wiring), notice, failed: notices.report })
}

/** The parts that plan, execute, answer and maintain. */
export function composeWork (wiring: Wiring): void {
  const { parts } = wiring
  parts.steps = new ClockSteps(parts.clock)
  parts.planner = plannerFor(wiring)
  parts.runner = runnerFor(wiring)
  composeDesk(wiring)
  composeForecast(wiring)
  composeUpkeep(wiring)
  composeTime(wiring)
}
