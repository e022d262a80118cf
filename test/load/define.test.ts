import tap from 'tap'
import { defaultsOf } from '../../core/model/config/config.ts'
import { OffpeakError } from '../../core/model/errors/errors.ts'
import type { DefineAsk } from '../../core/load/define/read-definition.ts'
import { defineTask } from '../../core/load/define/define.ts'

const func = () => 1

const ask = (definition: unknown, more: Partial<DefineAsk> = {}): DefineAsk => ({
  definition,
  config: defaultsOf('Europe/Rome'),
  source: 'a.ts',
  contentHash: 'x',
  pointer: '/TASK_DEFINITIONS/0',
  ...more
})

const define = (definition: object, more: Partial<DefineAsk> = {}) =>
  defineTask(ask({ id: 'clean_up', func, ...definition }, more))

function fault (definition: unknown, more: Partial<DefineAsk> = {}) {
  try {
    defineTask(ask(definition, more))
  } catch (error) {
    if (error instanceof OffpeakError && error.code === 'OFFPEAK_TASK_INVALID') return error
  }
  throw new Error('expected a refusal')
}

const DEFAULTS = {
  id: 'clean_up',
  name: 'Clean up',
  description: '',
  type: '',
  trigger: null,
  trigger_args: {},
  timezone: 'Europe/Rome',
  enabled: true,
  run_on_start: false,
  max_retries: 3,
  backoff: { kind: 'exponential', delay: 15, cap: 3600, jitter: 0.5 },
  timeoutMs: 300_000,
  queue: 'default',
  priority: 'normal',
  tags: [],
  concurrency: Infinity,
  overlap: 'skip',
  misfire: 'run_latest',
  misfireGraceMs: 60_000,
  max_catch_up: 10,
  payload: null,
  input: null,
  constraints: {},
  deadlineMs: 86_400_000,
  on_deadline: 'run',
  on_unmet: 'hold',
  on_lost: 'continue',
  class: null,
  flexMs: 0,
  preemptible: false,
  depends_on: [],
  locks: [],
  alone: false,
  retryForMs: Infinity,
  unique: null,
  breaker: null,
  on_changed: 'keep',
  work: { kind: 'function', func },
  source: 'a.ts'
}

tap.test('missing fields of a definition have their defaults', async t => {
  const { version, ...task } = define({})
  t.match(version, /^[\w-]{43}$/)
  t.same(task, DEFAULTS)
})

tap.test('a task with a trigger has a concurrency of 1 by default', async t => {
  const daily = { trigger: 'cron', trigger_args: { hour: 3 } }
  t.equal(define(daily).concurrency, 1)
  t.equal(define({ ...daily, overlap: 'allow' }).concurrency, Infinity)
  t.equal(define({ ...daily, concurrency: 4 }).concurrency, 4)
})

tap.test('durations may be text, and a backoff gets its defaults', async t => {
  const task = define({ timeout: '1h 30m', misfire_grace: 5, backoff: { delay: '1m' } })
  t.equal(task.timeoutMs, 5_400_000)
  t.equal(task.misfireGraceMs, 5000)
  t.equal(define({ timeout: '90' }).timeoutMs, 90_000, 'a number in quotes is seconds too')
  t.same(task.backoff, { kind: 'exponential', delay: '1m', cap: 3600, jitter: 0.5 })
})

tap.test('a policy gets its defaults, and contradictions are refused', async t => {
  t.match(
    define({
      depends_on: [{ task: 'a' }, { task: 'b', condition: 'done', fresh: '24h' }],
      breaker: { failures: 5 },
      retry_for: '2h'
    }),
    {
      depends_on: [{ task: 'a', condition: 'completed', freshMs: Infinity }, {
        task: 'b',
        condition: 'done',
        freshMs: 86_400_000
      }],
      breaker: { failures: 5, pauseMs: 60_000, capMs: 3_600_000 },
      retryForMs: 7_200_000,
      max_retries: 1000
    }
  )
  t.match(define({ backoff: { list: ['1s', '1m'] } }).backoff, { kind: 'list', jitter: 0, list: ['1s', '1m'] })
  const wrong: [object, string][] = [
    [{ depends_on: [{ task: 'clean_up' }] }, '/depends_on/0/task'],
    [{ unique: { while: 'queued', for: '1h' } }, '/unique/for'],
    [{ backoff: { kind: 'linear', list: [1] } }, '/backoff/list'],
    [{ backoff: { kind: 'list' } }, '/backoff/list'],
    [{ locks: ['A b'] }, '/locks/0'],
    [{ breaker: { failures: 0 } }, '/breaker/failures']
  ]
  for (const [definition, pointer] of wrong) {
    t.match(fault({ id: 'clean_up', func, ...definition }).errors, [{ pointer: new RegExp(pointer) }], pointer)
  }
})

tap.test('null and undefined count as missing', async t => {
  t.equal(define({ trigger_args: null, name: undefined, trigger: null }).trigger, null)
})

tap.test('a task is deeply frozen, its function is not', async t => {
  const task = define({ payload: { a: { b: 1 } }, tags: ['x'] })
  t.throws(() => {
    task.tags.push('y')
  }, TypeError)
  t.throws(() => {
    ;(task.payload as { a: { b: number } }).a.b = 2
  }, TypeError)
  t.notOk(Object.isFrozen(func))
})

tap.test('config.json overrides a definition: a trigger with its arguments; a payload is merged', async t => {
  const file = { trigger: 'cron', trigger_args: { hour: 3 }, payload: { root: '/a', age: '30d' }, tags: ['a', 'b'] }
  const task = define(file, {
    override: {
      trigger: 'interval',
      trigger_args: { minutes: 5 },
      payload: { root: '/b' },
      tags: ['c'],
      enabled: false
    }
  })
  t.equal(task.trigger, 'interval')
  t.same(task.trigger_args, { minutes: 5 })
  t.same(task.payload, { root: '/b', age: '30d' })
  t.same(task.tags, ['c'])
  t.equal(task.enabled, false)
  t.same(define(file, { override: { trigger_args: { minute: 30 } } }).trigger_args, { hour: 3, minute: 30 })
  t.equal(define(file, { override: { trigger: null } }).trigger, null)
})

tap.test('the version changes with the content of the file, not with the override', async t => {
  const { version } = define({})
  t.equal(define({}, { override: { timeout: 5 } }).version, version)
  t.not(define({}, { contentHash: 'y' }).version, version)
})

tap.test('a fault names file and pointer, and all faults are reported', async t => {
  const error = fault({ id: 'a', func: 'nope', timeot: 3, timeout: 'soon' })
  t.equal(error.place.file, 'a.ts')
  t.same(error.errors?.map(({ pointer }) => pointer).toSorted(), ['/TASK_DEFINITIONS/0/func',
    '/TASK_DEFINITIONS/0/timeot', '/TASK_DEFINITIONS/0/timeout'])
  t.match(error.errors?.find(({ pointer }) => pointer.endsWith('timeot'))?.detail, "did you mean 'timeout'?")
})

tap.test('a fault of a trigger names its field once', async t => {
  const faulty = (definition: object) => fault({ id: 'a', func, ...definition }).errors![0]!
  t.match(faulty({ trigger: 'cron', trigger_args: { hour: 25 } }), {
    pointer: /\/trigger_args\/hour$/,
    detail: /^found '25', expected 0 to 23$/
  })
  t.match(faulty({ trigger: 'cron', trigger_args: { hours: 3 } }), {
    pointer: /\/trigger_args\/hours$/,
    detail: /^found 'hours', expected year/
  })
  t.match(faulty({ trigger: 'sometimes' }), { pointer: /\/trigger$/, detail: /^found 'sometimes', expected/ })
  t.match(faulty({ trigger: '0 25 * * *' }), { pointer: /\/trigger$/, detail: /^hour: found '25'/ },
    'which field of a crontab string it is says the message alone')
})

const REFUSED: [string, unknown, string, RegExp][] = [
  ['an id with spaces', { id: 'Bad Id', func }, '/TASK_DEFINITIONS/0/id', /'Bad Id'/],
  ['a missing id', { func }, '/TASK_DEFINITIONS/0', /'id' is missing/],
  ['a definition that is a function', func, '/TASK_DEFINITIONS/0', /found a function/],
  ['a list', [], '/TASK_DEFINITIONS/0', /found a list/],
  ['an hour that does not exist', { id: 'a', func, trigger: 'cron', trigger_args: { hour: 25 } },
    '/TASK_DEFINITIONS/0/trigger_args/hour', /25/],
  ['an unknown trigger', { id: 'a', func, trigger: 'sometimes' }, '/TASK_DEFINITIONS/0/trigger', /sometimes/],
  ['an unknown zone', { id: 'a', func, timezone: 'Mars/Base' }, '/TASK_DEFINITIONS/0/timezone', /time zone/],
  ['an input with a broken pattern', {
    id: 'a',
    func,
    input: { type: 'object', properties: { a: { type: 'string', pattern: '(' } } }
  }, '/TASK_DEFINITIONS/0/input', /not a JSON schema/],
  ['an input with an unknown type', { id: 'a', func, input: { type: 'object', properties: { a: { type: 'strnig' } } } },
    '/TASK_DEFINITIONS/0/input/properties/a/type', /strnig/],
  ['a payload that is too large', { id: 'a', func, payload: 'x'.repeat(300_000) }, '/TASK_DEFINITIONS/0/payload',
    /at most 262144/]
]

for (const [what, definition, pointer, message] of REFUSED) {
  tap.test(`${what} is refused`, async t => {
    const error = fault(definition)
    t.equal(error.place.pointer, pointer)
    t.match(error.message, message)
  })
}

tap.test('a fault that an override causes is reported in config.json', async t => {
  const error = fault({ id: 'a', func, trigger: 'cron', trigger_args: { hour: 3 } }, {
    override: { trigger_args: { hour: 99 } }
  })
  t.same(error.place.file, 'config.json')
  t.equal(error.place.pointer, '/tasks/a/trigger_args/hour')
})

tap.test('a script has its arguments, environment and exit codes', async t => {
  const { work } = defineTask(
    ask({ id: 'a', args: ['-v'], env: { A: '1' }, exit_codes: { warn: [3] } }, {
      script: { file: '/x/a.sh', interpreter: ['sh'] }
    })
  )
  t.same(work, {
    kind: 'script',
    file: '/x/a.sh',
    args: ['-v'],
    env: { A: '1' },
    exit_codes: { ok: [0], warn: [3], retry: [] },
    interpreter: ['sh']
  })
})

tap.test('a name that no setting, signal, window or environment can have is refused where it is used', async t => {
  for (const [fields, pointer] of [
    [{ queue: 'constructor' }, '/queue'],
    [{ constraints: { signals: { constructor: '> 1' } } }, '/constraints/signals/constructor'],
    [{ constraints: { signals: { 'a b': '> 1' } } }, '/constraints/signals/a b'],
    [{ constraints: { window: 'constructor' } }, '/constraints/window'],
    [{ constraints: { window: 'toString' } }, '/constraints/window'],
    [{ constraints: { not_while: ['constructor'] } }, '/constraints/not_while/0'],
    [{ env: { 'a=b': '1' } }, '/env/a=b'],
    [{ env: { '': '1' } }, '/env/'],
    [{ env: { 'a\0b': '1' } }, '/env/a\0b']
  ] as const) {
    const { place, message } = fault({ id: 'a', func, ...fields }, { config: { ...defaultsOf(), probes: {} } })
    t.equal(place.pointer, `/TASK_DEFINITIONS/0${pointer}`, message)
  }
})
