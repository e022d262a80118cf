import { SECOND } from './model/base/duration.ts'
import { placeOfBroken } from './load/task/broken-file.ts'
import { VERSION } from './version.ts'
import { iso } from './model/base/clock.ts'
import { failureOf } from './model/run/failure.ts'
import { standstillWords } from './model/view/standstill.ts'
import { pastBlockWords } from './model/view/loop-block.ts'
import { onceSaid, placeWords } from './model/errors/errors.ts'
import type { EngineHealth } from './engine/engine.ts'
import type { OffpeakError, Place } from './model/errors/errors.ts'
import type { Parts } from './compose/parts.ts'
import type { ConfigWarning } from './work/upkeep/config-warnings.ts'
import type { CallFault } from './work/upkeep/engine-calls.ts'
import type { ListenerTrouble } from './work/upkeep/notices.ts'
import type { ServiceState } from './model/base/service.ts'

/** The input of health: parts of a manager and its state. */
interface HealthSources
  extends
    Pick<Parts,
      'clock' | 'settings' | 'runner' | 'planner' | 'senses' | 'watch' | 'security' | 'io' | 'engine' | 'catalog'
        | 'standstill'> {
  state: ServiceState
  /** Epoch ms; null while it does not run. */
  startedAt: number | null
  callFaults: CallFault[]
  listenerTroubles: ListenerTrouble[]
  warnings: ConfigWarning[]
}

/** The runner looks for work every 5 s; three missed looks are a fault. */
const STALE_PASS = 20 * SECOND
const LATE_FIRE = 30 * SECOND

const faultOf = (
  { code = 'OFFPEAK_INTERNAL', message, fix, ...place }: Place & { code?: string, message: string,
    fix?: string | undefined }
) => ({ code, message: onceSaid(message, place), fix: fix ?? null, where: placeWords(place) || null })

function configOf ({ settings, warnings }: HealthSources) {
  const error = settings.lastError as OffpeakError | null
  return {
    ok: error === null,
    files: settings.files,
    error: error && faultOf({ ...error.place, code: error.code, message: error.message, fix: error.fix }),
    warnings: warnings.map(faultOf)
  }
}

function schedulerOf ({ runner, planner }: HealthSources, now: number) {
  const last = runner.lastLookAt === 0 ? null : runner.lastLookAt
  return {
    last_pass_at: iso(last),
    age: last === null ? null : Math.max(0, now - last) / SECOND,
    next_at: iso(planner.nextAt),
    lag: planner.nextAt === null ? 0 : Math.max(0, now - planner.nextAt) / SECOND
  }
}

/** A failing sensor does not hold runs by itself: its values are unknown, which the gates handle. */
function sensorsOf ({ senses }: HealthSources) {
  const troubles = senses.troubles().map(({ since, ...trouble }) => ({ ...trouble, since: iso(since)! }))
  return { ok: troubles.length === 0, troubles }
}

/** Failing calls of the engine, even if its own health check passes. */
function callsOf ({ callFaults }: HealthSources) {
  const failing = callFaults.map(({ call, message, failures, since }) => ({
    call,
    message,
    failures,
    since: iso(since)!
  }))
  return { ok: failing.length === 0, failing }
}

/** The blocks of the event loop in the last hour, oldest first. */
const loopOf = ({ watch: { stood } }: HealthSources) => ({
  ok: stood.length === 0,
  standing: null,
  stood: stood.map(({ ms, at, ...rest }) => ({
    ...rest,
    runs: [...rest.runs],
    seconds: Math.round(ms / SECOND),
    at: iso(at)!
  }))
})

/** Calls without which no run is started, fired or shown. */
const VITAL = ['due', 'claim', 'plan', 'list', 'add', 'settle']
/** The manager has failed when one of them fails this often in a row, or for this long. */
const MANY_FAILURES = 3
const LONG_FAILURE = 10 * SECOND

const isVital = ({ call, failures, since, at }: CallFault): boolean =>
  VITAL.includes(call) && (failures >= MANY_FAILURES || at - since >= LONG_FAILURE)

const callWords = ({ call, message, since }: CallFault): string =>
  `the engine fails '${call}' since ${iso(since)}: ${message}`

/** Stored rows with values out of range. */
function mendedWords ({ mended }: EngineHealth): string {
  const [first] = mended?.rows ?? []
  if (mended === undefined || first === undefined) return ''
  const rows = mended.count === 1 ? 'a row of the database was' : `${mended.count} rows of the database were`
  return `${rows} out of range at the start, of '${first.table}' ${first.row} first: ${first.message}`
}

/** At most this many failing schedules are listed. */
const MOST_FAULTS = 20

/** Schedules that cannot be read, planned or fired, oldest fault first. Others are not affected. */
function schedulesOf ({ planner }: HealthSources) {
  const { faults } = planner
  const listed = faults.toSorted((a, b) => a.since - b.since).slice(0, MOST_FAULTS).map((
    { error, since, retry_at: at, ...fault }
  ) => ({ ...fault, code: error.code ?? null, message: error.message, since: iso(since)!, retry_at: iso(at) }))
  return { ok: faults.length === 0, failing: faults.length, faults: listed }
}

/** Listeners that have failed, the latest last. They do not affect the work. */
const listenersOf = ({ listenerTroubles: troubles }: HealthSources) => ({
  ok: troubles.length === 0,
  troubles: troubles.map(({ at, ...trouble }) => ({ ...trouble, at: iso(at)! }))
})

/** Security findings. They do not affect the status. */
const securityOf = ({ security: { findings } }: HealthSources) => ({
  ok: findings.length === 0,
  findings: findings.map(finding => ({ ...finding }))
})

/** Runs that wait for a file system that does not answer. */
function ioOf ({ io: { found } }: HealthSources) {
  const stuck = found.map(({ run, task, ms }) => ({ run, task, seconds: Math.round(ms / SECOND) }))
  return { ok: stuck.length === 0, stuck }
}

function stuckWords (
  { run, task, seconds }: { run: string | null, task: string | null, seconds: number },
  count: number
): string {
  const whose = run === null ? 'offpeak itself' : `the run ${run} of '${task}'`
  return `io_stuck: a file system does not answer ${whose} for ${seconds} s${
    count === 1 ? '' : `, nor ${count - 1} more`
  }`
}

/** The health of an engine whose health check fails. */
const silent = (error: unknown): EngineHealth => ({
  ok: false,
  kind: 'sqlite',
  last_write_ms: null,
  bytes: null,
  reason: failureOf(error).message
})

const counted = (count: number, noun: string, verb: string): string =>
  count === 1 ? `1 ${noun} ${verb}s` : `${count} ${noun}s ${verb}`

/** The health of each part. */
function partsOf (manager: HealthSources, now: number) {
  return {
    scheduler: schedulerOf(manager, now),
    sensors: sensorsOf(manager),
    calls: callsOf(manager),
    schedules: schedulesOf(manager),
    listeners: listenersOf(manager),
    loop: loopOf(manager),
    io: ioOf(manager),
    tasks: manager.catalog.tasks.size,
    running: manager.runner.active.size,
    broken: manager.catalog.broken.map(one => faultOf({ ...one, ...placeOfBroken(one) })),
    config: configOf(manager),
    security: securityOf(manager)
  }
}

type HealthParts = ReturnType<typeof partsOf>

/** The reasons why no work can be done. */
function failuresOf (manager: HealthSources, { scheduler }: HealthParts, engine: EngineHealth): string[] {
  const [vital] = manager.callFaults.filter(isVital)
  return [
    manager.state === 'started' ? '' : `the manager is ${manager.state}`,
    engine.ok ? '' : `the engine cannot be written: ${engine.reason ?? 'the reason is unknown'}`,
    (scheduler.age ?? 0) * SECOND > STALE_PASS ? `no work has been looked for in ${Math.round(scheduler.age!)} s` : '',
    vital === undefined ? '' : callWords(vital)
  ].filter(Boolean)
}

/** The reason that task files are broken. */
export const brokenWords = (count: number): string => `${count} task file${count === 1 ? ' is' : 's are'} broken`
/** The reason that the configuration was refused. */
export const CONFIG_REFUSED = 'the configuration on disk was refused: the last good one is in force'

/** The parts that do not work. */
function faultsOf (manager: HealthSources, parts: HealthParts, engine: EngineHealth): string[] {
  const { broken, calls, config, io, schedules, scheduler } = parts
  const blocked = manager.watch.stood.at(-1)
  return [
    broken.length > 0 ? brokenWords(broken.length) : '',
    calls.ok || manager.callFaults.some(isVital) ? '' : callWords(manager.callFaults[0]!),
    mendedWords(engine),
    schedules.ok
      ? ''
      : `${counted(schedules.failing, 'schedule', 'fail')}, '${schedules.faults[0]!.schedule}' first: ${
        schedules.faults[0]!.message
      }`,
    manager.standstill.found === null ? '' : standstillWords(manager.standstill.found),
    blocked === undefined ? '' : pastBlockWords(blocked),
    io.ok ? '' : stuckWords(io.stuck[0]!, io.stuck.length),
    config.ok ? '' : CONFIG_REFUSED,
    scheduler.lag * SECOND > LATE_FIRE ? `a schedule is ${Math.round(scheduler.lag)} s behind` : ''
  ].filter(Boolean)
}

/** The health of the manager: `failed` when no work can be done, `degraded` when a part does not work. Durations are in
 *  seconds. */
export async function healthOf (manager: HealthSources) {
  const now = manager.clock.now()
  const engine = await manager.engine.health(now).catch(silent)
  const parts = partsOf(manager, now)
  const [failed, degraded] = [failuresOf(manager, parts, engine), faultsOf(manager, parts, engine)]
  return {
    status: failed.length > 0 ? 'failed' as const : degraded.length > 0 ? 'degraded' as const : 'ok' as const,
    reasons: [...failed, ...degraded],
    version: VERSION,
    state: manager.state,
    started_at: iso(manager.startedAt),
    uptime: manager.startedAt === null ? null : Math.max(0, now - manager.startedAt) / SECOND,
    engine,
    ...parts
  }
}

export type Health = Awaited<ReturnType<typeof healthOf>>
