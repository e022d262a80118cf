import t from 'tap'
import { stat } from 'node:fs'
import { join } from 'node:path'
import { FileCalls } from '../../core/work/context/file-calls.ts'
import { UncaughtErrors } from '../../core/work/context/uncaught.ts'
import { LoopWatch } from '../../core/work/watch/loop-watch.ts'
import { OutputCapture } from '../../core/work/context/output-capture.ts'
import { ProcessGuard } from '../../core/work/context/process-guard.ts'
import { StoreFeed } from '../../core/work/upkeep/store-feed.ts'
import { fakeClock } from '../clock.ts'
import { Faults } from './faults.ts'
import { fragile, serviceLaw } from './law.ts'
import { runScope } from '../../core/work/context/scope.ts'
import { scratch } from '../work/harness.ts'
import type { Engine } from '../../core/engine/engine.ts'

const NOTHING = () => undefined

serviceLaw(t, 'UncaughtErrors', t => {
  const events = ['uncaughtException', 'unhandledRejection']
  const count = () => events.reduce((sum, event) => sum + process.listenerCount(event), 0)
  const before = count()
  const { on } = process
  t.teardown(() => {
    process.on = on
  })
  return {
    service: new UncaughtErrors(NOTHING),
    isAlive: () => count() > before,
    breakIt: () => {
      process.on = ((event: string, listener: () => void) => {
        if (event === 'unhandledRejection') throw new Error('broken on purpose')
        return on.call(process, event, listener)
      }) as typeof on
      return () => {
        process.on = on
      }
    }
  }
})

serviceLaw(t, 'OutputCapture', () => {
  const { stdout, stderr } = process
  const before = [stdout.write, stderr.write]
  return {
    service: new OutputCapture({ of: 'streams' }),
    isAlive: () => stdout.write !== before[0] || stderr.write !== before[1],
    breakIt: () => {
      const own = Object.getOwnPropertyDescriptor(stderr, 'write')
      Object.defineProperty(stderr, 'write', { value: before[1], writable: false, configurable: true })
      return () => {
        if (own === undefined) Reflect.deleteProperty(stderr, 'write')
        else Object.defineProperty(stderr, 'write', own)
      }
    }
  }
})

serviceLaw(t, 'ProcessGuard', () => {
  const { chdir, exit, umask } = process
  return {
    service: new ProcessGuard(),
    isAlive: () => process.exit !== exit || process.chdir !== chdir,
    breakIt: () => {
      const bind = () => {
        throw new Error('broken on purpose')
      }
      process.umask = Object.assign(umask.bind(process), { bind })
      return () => {
        process.umask = umask
      }
    }
  }
})

t.test('a guard that stops leaves the guard of another manager in place', async t => {
  const [one, other] = [new ProcessGuard(), new ProcessGuard()]
  const { exit } = process
  await one.start()
  await other.start()
  await other.stop()
  await other.stop()
  t.not(process.exit, exit)
  await one.stop()
  t.equal(process.exit, exit)
})

serviceLaw(t, 'FileCalls', t => {
  const calls = new FileCalls()
  return {
    service: calls,
    isAlive: async () => {
      const before = calls.keptBy('one', 0)
      const asked = runScope.run({ id: 'r1', task: 'one' },
        () => new Promise(resolve => stat(import.meta.filename, resolve)))
      const isSeen = calls.keptBy('one', 0) > before
      await asked
      t.equal(calls.state, isSeen ? 'started' : 'stopped')
      return isSeen
    }
  }
}, { isCounted: true })

serviceLaw(t, 'LoopWatch', t => {
  const folder = join(scratch(t), 'data')
  const before = Object.getOwnPropertySymbols(globalThis).length
  // Read once the thread runs.
  const limits = fragile({ graceMs: 0, limitMs: 0 })
  const watch = new LoopWatch({
    isOn: true,
    clock: fakeClock(),
    notice: NOTHING,
    folder: () => folder,
    owner: 'one',
    limits: limits.read
  })
  return {
    service: watch,
    isAlive: () => watch.isWatching || Object.getOwnPropertySymbols(globalThis).length > before,
    breakIt: limits.breakIt
  }
})

serviceLaw(t, 'StoreFeed', () => {
  const faults = new Faults()
  const listen = () => NOTHING
  const engine = faults.part({ onCommit: listen, onDurable: listen })
  const feed = new StoreFeed({
    engine: engine as unknown as Engine,
    owner: 'one',
    notice: NOTHING,
    facts: NOTHING,
    schedules: NOTHING
  })
  return { service: feed, isAlive: () => faults.subscriptions > 0, faults }
})
