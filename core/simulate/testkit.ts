import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from './machine.ts'
import { SimulatedClock, countCalls } from '../work/simulate/clock.ts'
import { createManager } from '../manager.ts'
import { createSqliteEngine } from '../engine/sqlite/keeper.ts'
import { instantIn } from '../model/base/check.ts'
import { overlay } from '../model/config/config.ts'
import { stateWith } from '../model/machine/machine-state.ts'
import type { TaskManager } from '../manager.ts'
import type { ConfigFile } from '../model/config/config.ts'
import type { Notice } from '../model/notice.ts'
import type { MachineState } from '../model/machine/machine-state.ts'
import type { Services } from '../model/task/context.ts'
import type { TaskDefinition } from '../model/task/task.ts'
import { TestManager } from './test-manager.ts'
import type { Span, Store } from './test-manager.ts'

// `offpeak/test`
export type { MachineState, Span, TestManager }

export interface TestManagerOptions {
  /** The start of the clock: epoch ms or ISO 8601. Default: a Monday, noon UTC. */
  at?: number | string
  /** Settings as in config.json. Default time zone: UTC. */
  config?: ConfigFile
  tasks?: readonly TaskDefinition[]
  /** `once`: the task files below `root` are read too. */
  files?: 'once' | 'none'
  /** The state of the machine. Default: an idle desktop on mains. */
  reading?: MachineState
  /** The folder of a relative tasks directory. Default: the working directory. */
  root?: string
  /** Another test manager whose store and clock are shared, as by a second process on the same data. Close the second
   *  one first. */
  beside?: TestManager
  /** Further members of ctx.services; `clock` is always there. */
  services?: Partial<Services>
}

/** The clock of a task under test: ctx.services.clock. */
export interface TestClock {
  now(): number
  sleep(span: Span): Promise<void>
}

interface OwnStore {
  /** Removed by `close`; null for a store of another manager. */
  folder: string | null
  path: string
  store: Store
}

const START = Date.UTC(2026, 0, 5, 12)

/** A folder and an engine of its own, or those of the manager beside it. */
async function storeFor (clock: SimulatedClock, beside: TestManager | undefined): Promise<OwnStore> {
  if (beside !== undefined) return { folder: null, path: beside.manager.folder, store: beside.store }
  const folder = await mkdtemp(join(tmpdir(), 'offpeak-kit-'))
  const engine = createSqliteEngine({ folder, clock: clock.now, synchronous: 'off', ballastBytes: 0 })
  return { folder, path: folder, store: countCalls(engine) }
}

/** Creates and starts a manager for tests of tasks: the real planner, gates and runner on a simulated clock and a
 *  simulated machine, with fixed random numbers and a data folder that `close` removes. Throws the errors of
 *  `createManager` and `registerTasks`; then nothing is left running. */
export async function createTestManager (
  { at = START, config = {}, tasks = [], files = 'none', reading = {}, root, services = {}, beside }:
    TestManagerOptions = {}
): Promise<TestManager> {
  const start = instantIn(at, { what: 'There is no test manager', pointer: '/at' })
  const clock = beside?.clock ?? new SimulatedClock(start)
  const probes = Object.fromEntries(Object.keys(config.probes ?? {}).map(name => [name, false]))
  const machine = new Machine(clock, stateWith({ probes }, reading))
  const { folder, path, store } = await storeFor(clock, beside)
  const notices: Notice[] = []
  const settings = overlay({ manager: { timezone: 'UTC' } }, overlay(config, { engine: { folder: path } }))
  const testClock: TestClock = { now: clock.now, sleep: span => kit.sleep(span) }
  let kit: TestManager
  let manager: TaskManager | undefined
  try {
    manager = await createManager({
      config: settings as ConfigFile,
      clock,
      engine: store.engine,
      files,
      loops: 'none',
      random: () => 0.5,
      senses: machine.senses(),
      onNotice: notice => void (notice.kind === 'sampled' || notices.push(notice)),
      services: { clock: testClock, ...services } as Services,
      ...root !== undefined && { root }
    })
    kit = new TestManager({ manager, clock, notices, machine, folder, store })
    manager.registerTasks(tasks)
    await kit.start()
    return kit
  } catch (error) {
    await manager?.stop()
    if (folder !== null) await rm(folder, { recursive: true, force: true })
    throw error
  }
}
