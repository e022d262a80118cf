import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkConstraints } from '../../core/model/conditions/constraint-check.ts'
import { ConfigSchema, configFaults, configOf } from '../../core/model/config/config.ts'
import { DefinitionSchema } from '../../core/model/task/task.ts'
import { LONGEST, milliseconds } from '../../core/model/base/duration.ts'
import { clamped, iso } from '../../core/model/base/clock.ts'
import { compileTrigger } from '../../core/model/trigger.ts'
import { createManager } from '../../core/manager.ts'
import { createTestManager } from '../../core/simulate/testkit.ts'
import { deadlineOf } from '../../core/model/conditions/relaxation.ts'
import { defineTask } from '../../core/load/define/define.ts'
import { faultsOf } from '../../core/model/base/check.ts'
import { loadConfig } from '../../core/load/config/config.ts'
import { quietest } from '../../core/model/machine/activity.ts'
import { retryAt } from '../../core/model/run/retry.ts'
import { scratch } from '../work/harness.ts'

interface Node {
  title?: string
  type?: string | string[]
  minimum?: number
  properties?: Record<string, Node>
  patternProperties?: Record<string, Node>
  items?: Node
}
interface Leaf {
  path: string[]
  node: Node
}

/** Every value of a schema, below a record under the key `x` and in a list as its first item. */
function leavesOf (node: Node, path: string[] = []): Leaf[] {
  if (node.properties) return Object.entries(node.properties).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
  const inner = Object.values(node.patternProperties ?? {})[0]
  if (inner) return leavesOf(inner, [...path, 'x'])
  if (node.items) return leavesOf(node.items, [...path, '0'])
  return [{ path, node }]
}

/** A value with this one at the end of the path. */
const holding = (path: string[], value: unknown): unknown =>
  path.reduceRight((inner, key) => key === '0' ? [inner] : { [key]: inner }, value)

const pointerOf = (path: string[]) => `/${path.join('/')}`
const isNumber = ({ type }: Node) => [type ?? []].flat().some(kind => kind === 'number' || kind === 'integer')

const CONFIG = leavesOf(ConfigSchema as Node).filter(({ path }) => !['tasks', 'builtin'].includes(path[0]!))
const TASK = leavesOf(DefinitionSchema as Node)
const faultsAt = (faults: { pointer: string, detail: string }[], path: string[]) =>
  faults.filter(({ pointer }) => pointer === pointerOf(path))

t.test('a duration of more than ten years is refused everywhere, with a fix', t => {
  t.equal(CONFIG.filter(({ node }) => node.title === 'duration').length > 20, true)
  for (const value of ['11y', '9999999999h', Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]) {
    for (const { path } of CONFIG.filter(({ node }) => node.title === 'duration')) {
      t.match(faultsAt(configFaults(holding(path, value)), path), [{
        detail: /found .*, expected at most ten years: write a shorter duration/
      }], pointerOf(path))
    }
    for (const { path } of TASK.filter(({ node }) => node.title === 'duration')) {
      t.match(faultsAt(faultsOf(DefinitionSchema, { id: 'x', ...holding(path, value) as object }), path), [{
        detail: /expected at most ten years/
      }], pointerOf(path))
    }
  }
  t.equal(milliseconds('10y') <= LONGEST, true)
  t.throws(() => milliseconds('11y'), { code: 'OFFPEAK_DURATION_INVALID', message: /'11y' is more than ten years/ })
  t.throws(() => compileTrigger({ trigger: 'interval', trigger_args: { every: '11y' } }, 0), {
    code: 'OFFPEAK_TRIGGER_INVALID',
    message: /ten years/
  })
  t.throws(() => compileTrigger({ trigger: 'interval', trigger_args: { weeks: 9999 } }, 0), {
    code: 'OFFPEAK_TRIGGER_INVALID',
    message: /ten years/
  })
  t.end()
})

t.test('a number that is not finite is refused everywhere', t => {
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    for (const { path, node } of CONFIG) {
      if (isNumber(node) || node.title === 'duration') {
        t.not(configFaults(holding(path, value)).length, 0, pointerOf(path))
      }
    }
    for (const { path, node } of TASK) {
      if (isNumber(node) || node.title === 'duration') {
        t.not(faultsOf(DefinitionSchema, { id: 'x', ...holding(path, value) as object }).length, 0, pointerOf(path))
      }
    }
  }
  t.end()
})

/** Numbers that may be 0, and what that means. */
const ZEROS: Record<string, string> = {
  'manager/max_task_retries': 'a failed attempt is the last one',
  'server/port': 'any free port',
  'uploads/max_bytes': 'no file is taken',
  'uploads/disk_reserve': 'the disk may be filled',
  'scheduling/time_windows/x/resource_limit': 'none but critical runs meanwhile',
  'scheduling/preempt_limit': 'every run keeps its slot for preempt_after',
  'scheduling/relax_from': 'limits give way from the beginning',
  'resources/disk_limit': 'advice alone: nothing is held',
  'resources/disk_reserve': 'the disk may be filled',
  'power/margin': 'a level counts as it is',
  'activity/min_weeks': 'the first sample of an hour counts'
}
/** The same by their last words: battery levels, and slots on battery. */
const ZERO_LEVELS = new RegExp(
  ['^(power/(battery_thresholds|hints|sync)|classification)/',
    '^power/power_profiles/(?!charging)\\w+/task_concurrency$'].join('|')
)

t.test('a number of 0 is refused where it would stop something, with the consequence', t => {
  for (const { path, node } of CONFIG.filter(({ node }) => isNumber(node))) {
    const name = path.join('/')
    if (path[0] === 'probes') continue
    const faults = faultsAt(configFaults(holding(path, 0)), path)
    const meaning = Object.hasOwn(ZEROS, name) || (ZERO_LEVELS.test(name) && node.minimum === 0)
    if (meaning) t.not(node.minimum, 1, name)
    else t.match(faults, [{ detail: /found 0, expected/ }], name)
  }
  for (const name of ['resources/cpu_limit', 'resources/temperature_limit',
    'power/power_profiles/charging/task_concurrency', 'activity/io_below']) {
    t.match(configFaults(holding(name.split('/'), 0)), [{ detail: /: (at 0 |every machine)/ }], `${name} says why`)
  }
  t.end()
})

t.test('a duration of 0 is refused where it would stop something', t => {
  const wrong = ['sense/timeout', 'probes/x/timeout', 'probes/x/ttl', 'signals/x/ttl', 'uploads/max_age',
    'uploads/idle_timeout', 'queues/x/rate/per', 'activity/half_life', 'retention/max_age', 'retention/dead_max_age',
    'scheduling/deadline']
  for (const name of wrong) {
    for (const value of [0, '0s']) {
      t.match(faultsAt(configFaults(holding(name.split('/'), value)), name.split('/')), [{
        detail: /found .*0.*, expected more than 0: \w+/
      }], name)
    }
  }
  t.match(faultsOf(DefinitionSchema, { id: 'x', depends_on: [{ task: 'y', fresh: 0 }] }), [{
    pointer: '/depends_on/0/fresh',
    detail: /expected more than 0: nothing ends/
  }])
  t.match(faultsOf(DefinitionSchema, { id: 'x', deadline: 0 }), [{
    pointer: '/deadline',
    detail: /expected more than 0: no run could be held/
  }])
  t.strictSame(faultsOf(DefinitionSchema, { id: 'x', timeout: 0, flex: 0, retry_for: 0, misfire_grace: 0 }), [],
    'others mean something')
  t.end()
})

t.test('the error of a share written in percent names the share', t => {
  t.match(configFaults({ resources: { cpu_limit: 70 } }), [{
    pointer: '/resources/cpu_limit',
    detail: /^found 70, expected a number from 0.001 to 1; did you mean 0.7\?/
  }])
  t.match(
    configFaults({ scheduling: { time_windows: { night: { start: '01:00', end: '05:00', resource_limit: 50 } } } }),
    [{ detail: /did you mean 0.5\?$/ }]
  )
  t.notMatch(configFaults({ resources: { cpu_limit: 700 } })[0]!.detail, /did you mean/)
  t.end()
})

t.test('a window with equal start and end is refused', t => {
  t.match(configFaults({ scheduling: { time_windows: { night: { start: '03:00', end: '03:00' } } } }), [{
    pointer: '/scheduling/time_windows/night/end',
    detail: /at the same time.*00:00/
  }])
  t.strictSame(configFaults({ scheduling: { time_windows: { all: { start: '00:00', end: '24:00' } } } }), [])
  const asked = (window: string) =>
    checkConstraints({ constraints: { window }, deadlineMs: 3_600_000 }, { timezone: 'UTC', windows: {} })
  t.match(asked('03:00-03:00'), [{ pointer: '/constraints/window', detail: /at the same time: write '00:00-24:00'/ }])
  t.strictSame(asked('00:00-24:00'), [])
  t.end()
})

t.test('a ttl must last until the next reading', async t => {
  const folder = scratch(t)
  const file = join(folder, 'config.json')
  const load = (config: object, layer: object = {}) => {
    writeFileSync(file, JSON.stringify(config, null, 1))
    writeFileSync(join(folder, 'config.test.json'), JSON.stringify(layer))
    return loadConfig({ file, environment: 'test', env: {} })
  }
  const probe = { kind: 'process', processes: ['vlc'] }
  await t.rejects(load({ probes: { film: { ...probe, every: '2m', ttl: '1m' } } }), {
    code: 'OFFPEAK_CONFIG_INVALID',
    message: /\/probes\/film\/ttl found '1m', expected at least its every \('2m'\)/,
    place: { file, line: 9, pointer: '/probes/film/ttl' }
  })
  await t.rejects(load({ probes: { film: { ...probe, ttl: '10s' } } }), { message: /at least its every \(30\)/ })
  await t.rejects(load({ signals: { price: { ttl: '2s' } } }), {
    message: /\/signals\/price\/ttl found '2s', expected at least sense\.every \('5s'\)/
  })
  await t.resolves(load({ signals: { price: { ttl: '2s' } } }, { sense: { every: '1s' } }),
    'the whole configuration counts, not one file of it')
  await t.resolves(load({ probes: { film: { ...probe, every: '1m', ttl: '1m' } } }))
  await t.rejects(createManager({ config: { signals: { price: { ttl: '2s' } } } as never, root: folder }), {
    code: 'OFFPEAK_CONFIG_INVALID',
    message: /signals\/price\/ttl/
  })
})

t.test('a task without a computable deadline is refused, and named with its file', t => {
  const define = () =>
    defineTask({
      definition: { id: 'absurd', func: () => 1, deadline: '9999999999h' },
      pointer: '/TASK_DEFINITIONS/0',
      contentHash: '',
      config: configOf({}, 'UTC'),
      source: 'absurd.ts'
    })
  t.throws(define, {
    code: 'OFFPEAK_TASK_INVALID',
    place: { file: 'absurd.ts', pointer: '/TASK_DEFINITIONS/0/deadline' },
    message: /found '9999999999h', expected at most ten years/
  })
  t.end()
})

t.test('instants beyond the calendar become its last instant', t => {
  t.equal(clamped(Infinity), 8.64e15)
  t.equal(iso(Number.MAX_SAFE_INTEGER), '+275760-09-13T00:00:00.000Z')
  t.equal(iso(-Infinity), '-271821-04-20T00:00:00.000Z')
  t.equal(iso(Number.NaN), null)
  t.equal(deadlineOf({ deadlineMs: Number.MAX_VALUE, on_deadline: 'run' }, { due_at: 1 }).at, 8.64e15)
  t.equal(
    retryAt({ attempt: 1, now: 8.64e15, random: 0, backoff: { kind: 'fixed', delay: 3600, cap: 3600, jitter: 0 } }),
    8.64e15
  )
  t.end()
})

t.test('a flex of years considers one week, because the hours repeat', t => {
  const activity = { half_life: '4w', min_weeks: 0 }
  const histogram = {
    buckets: Array.from({ length: 168 }, () => ({ busy: 0.5, weeks: 10, hour: 0, sum: 0, samples: 0 }))
  }
  let reads = 0
  const counted = {
    get buckets () {
      reads++
      return histogram.buckets
    }
  }
  quietest({ histogram: counted as never, from: 0, to: LONGEST, durationMs: 1, zone: 'UTC', activity })
  t.ok(reads < 400, `${reads} hours were looked at`)
  t.end()
})

t.test('retryAfter with a thousand years fails the attempt with a message', async t => {
  const kit = await createTestManager({ tasks: [{ id: 't', max_retries: 0, func: ctx => ctx.retryAfter('1000y') }] })
  t.teardown(() => kit.close())
  const run = await kit.enqueue('t')
  t.match(await kit.manager.engine.get(run.id), { state: 'failed', error: { code: 'OFFPEAK_DURATION_INVALID' } })
})
