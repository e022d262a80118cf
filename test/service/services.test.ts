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
import { fakeClock } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { fragile, serviceLaw } from './law.ts'
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

serviceLaw(t, 'Ticker', () => {
  const everyMs = fragile(1000)
  const ticker = new Ticker({
    notice: NOTHING,
    beats: [{
      name: 'one',
      get everyMs () {
        return everyMs.read()
      },
      run: NOTHING
    }]
  })
  return { service: ticker, isAlive: () => ticker.isTicking, breakIt: everyMs.breakIt }
})

serviceLaw(t, 'Senses', t => {
  const { clock: fake, folder } = { clock: fakeClock(), folder: scratch(t) }
  let isOpen = false
  // A sample reads the time after its sensors, some of which are then open.
  const now = fragile(null)
  const clock = { ...fake, now: () => (isOpen && now.read(), fake.now()) }
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
    breakIt: now.breakIt
  }
})

serviceLaw(t, 'TaskFolder', t => {
  const root = project(t)
  const config = configOf({}, 'UTC')
  const security = fragile(config.security)
  const folder = new TaskFolder({
    directory: join(root, 'backgroundtask'),
    dataFolder: join(root, 'data'),
    config: {
      ...config,
      get security () {
        return security.read()
      }
    },
    onChange: NOTHING
  })
  return { service: folder, isAlive: () => folder.isWatching, breakIt: security.breakIt }
})

serviceLaw(t, 'Catalog', t => {
  const root = project(t)
  const config = fragile(configOf({}, 'UTC'))
  const settings = {
    root,
    get config () {
      return config.read()
    }
  } as unknown as Settings
  const catalog = new Catalog({
    settings,
    notice: NOTHING,
    folder: () => join(root, 'data'),
    files: 'watch',
    now: Date.now,
    changed: NOTHING
  })
  return { service: catalog, isAlive: () => catalog.isWatching, breakIt: config.breakIt }
})

serviceLaw(t, 'Watch', t => {
  const watch = watchConfig({ file: join(project(t), 'config.json'), onChange: NOTHING, onError: NOTHING })
  return { service: watch, isAlive: () => watch.isWatching }
})

serviceLaw(t, 'Settings', async t => {
  const environment = fragile(undefined)
  const options: SettingsOptions = {
    configFile: join(project(t), 'config.json'),
    env: {},
    get environment () {
      return environment.read()
    }
  }
  const settings = await Settings.read(options)
  return { service: settings, isAlive: () => settings.isWatching, breakIt: environment.breakIt }
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
  const { runner, engine, desk } = await harness(t)
  await runner.stop()
  const { beat } = engine
  return {
    service: runner,
    isAlive: async () => {
      const { run } = await desk.enqueue('work')
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
  const known = fragile(null)
  const planner = {
    sync: async () => known.read(),
    fire: async () => undefined,
    wakeAt: 1
  }
  const alarm = {
    set: (at: number) => {
      wakeAt = at
    },
    clear: () => {
      wakeAt = null
    }
  }
  const scheduling = new Scheduling({
    owner: 'one',
    clock: fakeClock(),
    planner: planner as unknown as Planner,
    runner: { wake: NOTHING } as unknown as Runner,
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
  return { service: scheduling, isAlive, breakIt: known.breakIt }
})

serviceLaw(t, 'TaskManager', async t => {
  const root = project(t)
  const clock = fakeClock()
  const engine = createSqliteEngine({ folder: join(root, 'data'), clock: clock.now, ballastBytes: 0 })
  const { schedules } = engine
  const manager = await createManager({
    configFile: join(root, 'config.json'),
    env: {},
    engine,
    senses: fakeSenses(clock).senses
  })
  return {
    service: manager,
    isAlive: async () => {
      const answers = await engine.count().then(() => true, () => false)
      t.equal(manager.state, answers ? 'started' : 'stopped')
      return answers
    },
    breakIt: () => {
      engine.schedules = async () => {
        throw new Error('broken on purpose')
      }
      return () => {
        engine.schedules = schedules
      }
    }
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
