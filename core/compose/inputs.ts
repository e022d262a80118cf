import { Catalog } from '../work/upkeep/catalog.ts'
import { ConfigWarnings } from '../work/upkeep/config-warnings.ts'
import { EngineCalls } from '../work/upkeep/engine-calls.ts'
import { IoWatch } from '../work/upkeep/io-watch.ts'
import { UncaughtErrors } from '../work/context/uncaught.ts'
import { milliseconds } from '../model/base/duration.ts'
import { LoopWatch } from '../work/watch/loop-watch.ts'
import { Security } from '../security.ts'
import { Senses } from '../sense/senses.ts'
import { LiveConditions } from '../work/conditions/conditions.ts'
import { createSqliteEngine } from '../engine/sqlite/keeper.ts'
import { fileCalls } from '../work/context/file-calls.ts'
import { failureOf } from '../model/run/failure.ts'
import type { Engine } from '../engine/engine.ts'
import type { Wiring } from './parts.ts'

function ownEngine ({ parts: { clock, notices, owner }, config, folder }: Wiring): Engine {
  return createSqliteEngine({
    folder: folder(),
    owner,
    synchronous: config().engine.synchronous,
    clock: clock.now,
    onError: (call, error) => notices.send({ kind: 'engine_failed', call, error: failureOf(error) })
  })
}

const loopWatch = ({ parts: { clock, notices, owner }, options, config, folder }: Wiring): LoopWatch =>
  new LoopWatch({
    isOn: options.watch === 'thread',
    clock,
    notice: notices.send,
    folder,
    owner,
    limits: () => ({
      graceMs: milliseconds(config().manager.stop_grace),
      limitMs: milliseconds(config().manager.loop_limit)
    })
  })

/** The parts that read the machine and the files. */
export function composeInputs (wiring: Wiring): void {
  const { parts, options, config, folder } = wiring
  const { clock, settings, notices } = parts
  parts.calls = new EngineCalls({ engine: options.engine ?? ownEngine(wiring), now: clock.now })
  parts.engine = parts.calls.engine
  parts.uncaught = new UncaughtErrors(notices.send)
  parts.watch = loopWatch(wiring)
  parts.catalog = new Catalog({
    settings,
    notice: notices.send,
    folder,
    files: options.files ?? 'watch',
    now: clock.now,
    changed: () => {
      parts.warnings.look()
      void parts.scheduling.replan()
    }
  })
  parts.warnings = new ConfigWarnings({ settings, catalog: parts.catalog, notice: notices.send })
  parts.io = new IoWatch({ calls: fileCalls, notice: notices.send })
  parts.security = new Security({
    settings,
    folder,
    directories: () => parts.catalog.directories,
    fileOf: source => parts.catalog.fileOf(source),
    tasks: () => parts.catalog.tasks,
    notice: notices.send,
    env: options.env ?? process.env,
    // Without files of its own, it checks none.
    ...options.engine && { account: null }
  })
  parts.senses = options.senses ?? new Senses({ clock, config, folder: folder() })
  parts.conditions = new LiveConditions({ clock, config, failed: notices.report })
}
