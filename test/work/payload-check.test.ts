import t from 'tap'
import { milliseconds } from '../../core/model/base/duration.ts'
import { payloadFaults } from '../../core/work/desk/request/payload-check.ts'
import { taskOf } from '../task.ts'
import { within } from '../../core/load/define/within.ts'
import type { Json } from '../../core/model/json/json.ts'

/** The processor time of a call in ms, independent of the load of the machine. */
function taken (work: () => void): number {
  const of = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000
  const before = of(process.threadCpuUsage())
  work()
  return of(process.threadCpuUsage()) - before
}

const LONG = `${'a'.repeat(50_000)}!`
const HOSTILE: Record<string, { input: object, payload: Json }> = {
  'a pattern that backtracks': { input: { type: 'string', pattern: '^(a+)+$' }, payload: LONG },
  'a pattern of keys': {
    input: { type: 'object', patternProperties: { '^(a|aa)+$': { type: 'null' } } },
    payload: { [LONG.slice(-80)]: null }
  },
  'a pattern that looks back': { input: { type: 'string', pattern: '^(a*)*\\1$' }, payload: LONG },
  // Each level compares all that is below it.
  'a long list with uniqueItems in lists with uniqueItems': {
    input: Array.from({ length: 32 }).reduce<object>(
      inner => ({ type: 'array', uniqueItems: true, items: inner }),
      { type: 'array', uniqueItems: true }
    ),
    payload: Array.from({ length: 32 }).reduce<Json>(inner => [inner], Array.from({ length: 100_000 }, (_, n) => n))
  },
  'nested anyOf': {
    input: Array.from({ length: 16 }).reduce<object>(
      inner => ({ anyOf: [{ type: 'array', items: inner }, { type: 'array', items: inner }] }),
      { type: 'null' }
    ),
    payload: JSON.parse(`${'['.repeat(16)}1${']'.repeat(16)}`) as Json
  }
}

for (const [name, { input, payload }] of Object.entries(HOSTILE)) {
  t.test(`${name} blocks the loop for less than 250 ms [S18]`, async t => {
    const task = taskOf({ input: input as never })
    payloadFaults(task, task.input!, null)
    const [first, ...others] = Array.from({ length: 5 }, () => {
      let faults = 0
      return {
        ms: taken(() => {
          faults = payloadFaults(task, task.input!, payload).length
        }),
        faults
      }
    })
    // On a busy machine the interrupt may be late, but not each time.
    const ms = Math.min(first!.ms, ...others.map(other => other.ms))
    const { faults } = first!
    t.ok(ms < 5000, `${ms} ms`)
    t.ok(faults > 0, 'it is refused with a reason')
  })
}

t.test('circular references are refused', async t => {
  const task = taskOf({
    input: { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' } as never
  })
  t.match(payloadFaults(task, task.input!, 1), [{ detail: /circular references/ }])
})

t.test('a payload that matches a pattern passes, and one that does not is refused with its pointer', async t => {
  const task = taskOf({
    input: { type: 'object', required: ['to'], properties: { to: { type: 'string', pattern: '^[a-z]+$' } } } as never
  })
  t.strictSame(payloadFaults(task, task.input!, { to: 'a'.repeat(500_000) }), [], 'a large payload has more time')
  t.match(payloadFaults(task, task.input!, { to: 'A' }), [{ pointer: '/to', detail: /matches/ }])
})

t.test('a call is interrupted at its time limit, and otherwise returns or throws its own value', async t => {
  t.strictSame(within(1000, () => 7), { isDone: true, value: 7 })
  t.throws(() =>
    within(1000, () => {
      throw new Error('own')
    }), { message: 'own' })
  t.strictSame(within(5, () => {
    for (;;);
  }), { isDone: false })
  t.strictSame(within(1000, () => 8), { isDone: true, value: 8 }, 'the next call is not interrupted')
})

t.test('a text of any length is parsed as a duration in less than 50 ms [S18]', async t => {
  for (const text of [`1s${' '.repeat(50_000)}!`, ' '.repeat(50_000), '1'.repeat(50_000), '1s,'.repeat(20_000),
    `1.${'0'.repeat(50_000)}s`]) {
    const ms = taken(() => {
      try {
        milliseconds(text)
      } catch {}
    })
    t.ok(ms < 5000, `${text.slice(0, 8)}: ${ms} ms`)
  }
  t.equal(milliseconds('1h 30m'), 5_400_000)
})
