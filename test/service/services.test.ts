import t from 'tap'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Catalog } from '../../core/work/upkeep/catalog.ts'
import { Scheduling } from '../../core/work/upkeep/scheduling.ts'
import { Senses } from '../../core/sense/senses.ts'
import { Settings } from '../../core/work/upkeep/settings.ts'
import { TaskFolder } from '../../core/load/task/task-folder.ts'
import { Ticker } from '../../core/work/upkeep/ticker.ts'
import { configOf } from '../../core/model/config/config.ts'
import { createManager } from '../../core/manager.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { fakeClock, until } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { Faults } from './faults.ts'
import { serviceLaw } from './law.ts'
import { noPrograms } from '../sense/machine.ts'
import { harness, scratch } from '../work/harness.ts'
import { taskFile } from '../manager/home.ts'
import { watchConfig } from '../../core/load/config/watch.ts'
import type { Alarm } from '../../core/work/plan/alarm.ts'
import type { Desk } from '../../core/work/desk/desk.ts'
import type { Planner } from '../../core/work/plan/planner.ts'
import type { Runner } from '../../core/work/run/runner.ts'
import type { SettingsOptions } from '../../core/work/upkeep/settings.ts'

const NOTHING = () => undefined

/** Makes a folder with one task file and a configuration. */
function project (t: { teardown(fn: () => unknown): void }) {
  const root = scratch(t)
  mkdirSync(join(root, 'backgroundtask'))
  writeFileSync(join(root, 'backgroundtask/one.ts'), taskFile('one'))
  writeFileSync(join(root, 'config.json'), '{}')
  return root
}

/** Resolves to true when the watch of files that a start has begun is open. */
async function isWatched (): Promise<boolean> {
  await until('files are watched', () => process.getActiveResourcesInfo().includes('FSEventWrap'))
  return true
}

serviceLaw(t, 'Ticker', () => {
  const faults = new Faults()
  const beats = ['one', 'other'].map(name => faults.part({ name, everyMs: 1000, run: NOTHING }))
  const ticker = new Ticker({ notice: NOTHING, beats })
  return { service: ticker, isAlive: () => ticker.isTicking, faults }
})

serviceLaw(t, 'Senses', t => {
  const { clock: fake, folder } = { clock: fakeClock(), folder: scratch(t) }
  let isOpen = false
  // A sample reads the time after its sensors, some of which are then open.
  const faults = new Faults()
  const clock = faults.part(fake)
  const config = configOf({}, 'UTC')
  const roots = { proc: folder, sys: folder, cgroup: folder, dev: folder, run: folder }
  const senses = new Senses({ clock, config: () => config, folder, roots, exec: noPrograms, platform: 'linux' })
  senses.register('own', {
    everyMs: 1,
    read: () => {
      isOpen = true
      return {}
    },
    stop: () => {
      isOpen = false
    }
  })
  return {
    service: senses,
    isAlive: () => isOpen,
    faults
  }
})

serviceLaw(t, 'TaskFolder', t => {
  const root = project(t)
  const faults = new Faults()
  const folder = new TaskFolder({
    directories: [{ path: join(root, 'backgroundtask'), name: '.' }],
    dataFolder: join(root, 'data'),
    config: faults.part(configOf({}, 'UTC')),
    onChange: NOTHING
  })
  return { service: folder, isAlive: () => folder.isWatching && isWatched(), faults }
})

serviceLaw(t, 'Catalog', t => {
  const root = project(t)
  const faults = new Faults()
  const settings = faults.part({ root, config: configOf({}, 'UTC') }) as unknown as Settings
  const catalog = new Catalog({
    settings,
    notice: NOTHING,
    folder: () => join(root, 'data'),
    files: 'watch',
    now: Date.now,
    changed: NOTHING
  })
  return { service: catalog, isAlive: () => catalog.isWatching, faults }
})

serviceLaw(t, 'Watch', t => {
  const watch = watchConfig({ file: join(project(t), 'config.json'), onChange: NOTHING, onError: NOTHING })
  return { service: watch, isAlive: () => watch.isWatching && isWatched() }
})

serviceLaw(t, 'Settings', async t => {
  const faults = new Faults()
  const options: SettingsOptions = { configFile: join(project(t), 'config.json'), env: {} }
  const settings = await Settings.read(faults.part(options))
  return { service: settings, isAlive: () => settings.isWatching, faults }
})

serviceLaw(t, 'createSqliteEngine', async t => {
  const folder = scratch(t)
  const path = join(folder, 'data')
  const engine = createSqliteEngine({ folder: path, ballastBytes: 0 })
  return {
    service: engine,
    isAlive: () => engine.count().then(() => true, () => false),
    breakIt: () => {
      writeFileSync(path, 'not a folder')
      return () => rmSync(path)
    }
  }
}, { isCounted: true })

serviceLaw(t, 'Runner', async t => {
  const faults = new Faults()
  const { runner, engine, desk } = await harness(t, { through: part => faults.part(part) })
  await runner.stop()
  const { beat } = engine
  return {
    service: runner,
    faults,
    isAlive: async () => {
      const { run } = await desk.enqueue('work')
      runner.wake()
      await runner.settled()
      await nextTurn()
      return (await engine.get(run.id))!.state !== 'queued'
    },
    breakIt: () => {
      engine.beat = async () => {
        throw new Error('broken on purpose')
      }
      return () => {
        engine.beat = beat
      }
    }
  }
})

serviceLaw(t, 'Scheduling', () => {
  let wakeAt: number | null = null
  const faults = new Faults()
  const planner = faults.part({ sync: async () => undefined, fire: async () => undefined, wakeAt: 1 })
  const alarm = faults.part({
    set: (at: number) => {
      wakeAt = at
    },
    clear: () => {
      wakeAt = null
    }
  })
  const scheduling = new Scheduling({
    owner: 'one',
    clock: fakeClock(),
    planner: planner as unknown as Planner,
    runner: faults.part({ wake: NOTHING }) as unknown as Runner,
    desk: {} as Desk,
    alarm: alarm as unknown as Alarm,
    tasks: () => new Map(),
    coming: () => [],
    notice: NOTHING
  })
  const isAlive = async () => {
    await scheduling.fire()
    return wakeAt !== null
  }
  return { service: scheduling, isAlive, faults }
})

serviceLaw(t, 'TaskManager', async t => {
  const root = project(t)
  const clock = fakeClock()
  const engine = createSqliteEngine({ folder: join(root, 'data'), clock: clock.now, ballastBytes: 0 })
  const faults = new Faults()
  const manager = await createManager({
    configFile: join(root, 'config.json'),
    env: {},
    engine: faults.part(engine),
    senses: fakeSenses(clock).senses
  })
  return {
    service: manager,
    isAlive: async () => {
      const answers = await engine.count().then(() => true, () => false)
      t.equal(manager.state, answers ? 'started' : 'stopped')
      return answers
    },
    faults
  }
})

t.test('a manager that fails to start releases its data folder', async t => {
  const root = project(t)
  const engine = createSqliteEngine({ folder: join(root, 'data'), ballastBytes: 0 })
  engine.schedules = async () => {
    throw new Error('broken on purpose')
  }
  const broken = await createManager({ root, files: 'none', engine })
  await t.rejects(broken.start(), { message: 'broken on purpose' })
  const next = await createManager({ root, files: 'none' })
  await next.start()
  await next.stop()
  rmSync(root, { recursive: true, force: true })
})
