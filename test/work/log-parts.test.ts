import t from 'tap'
import { logArgument, logParts } from '../../core/model/run/log-part.ts'
import { runLog } from '../../core/log.ts'
import type { LogLine } from '../../core/engine/reports.ts'

function setup () {
  const lines: LogLine[] = []
  const log = runLog({ level: 'info', redact: ['password'], now: () => 5 })(line => void lines.push(line))
  return { log, lines }
}

t.test('fields of a call are stored under any name', async t => {
  const { log, lines } = setup()
  log.info({ level: 'high', time: 1, msg: 'mine', at: 2 }, 'text %s %d', 'a', 1)
  log.warn({ msg: 'the message' })
  log.info(undefined)
  log.info(7)
  t.strictSame(lines, [
    { at: 5, level: 30, text: 'text a 1', data: { msg: 'mine', level: 'high', time: 1, at: 2 } },
    { at: 5, level: 40, text: 'the message' },
    { at: 5, level: 30, text: '' },
    { at: 5, level: 30, text: '7' }
  ])
})

t.test('secrets are redacted, also in class instances [S31]', async t => {
  const { log, lines } = setup()
  class Login {
    password = 'a'
    user = 'anna'
  }
  log.info({ password: 'b', login: new Login(), deep: { one: { password: 'c' } } }, 'in')
  t.strictSame(lines[0]!.data, {
    password: '[redacted]',
    login: { password: '[redacted]', user: 'anna' },
    deep: { one: { password: '[redacted]' } }
  })
})

t.test('errors keep their type, code and added fields', async t => {
  const { log, lines } = setup()
  const error = Object.assign(new TypeError('odd', { cause: new Error('deeper') }), { code: 'E_ODD', status: 503 })
  log.error(error)
  log.error({ err: error, when: new Date(0) }, 'failed')
  t.match(lines, [
    { level: 50, text: 'odd', data: { err: { type: 'TypeError', message: /odd/, code: 'E_ODD', status: 503 } } },
    { level: 50, text: 'failed', data: { err: { type: 'TypeError', code: 'E_ODD' }, when: '1970-01-01T00:00:00.000Z' } }
  ])
})

t.test('no value that is logged throws or exceeds its limit', async t => {
  const { log, lines } = setup()
  const friends: { all?: unknown }[] = Array.from({ length: 12 }, () => ({}))
  for (const one of friends) one.all = friends.filter(other => other !== one)
  const hostile = [
    {
      get a () {
        throw new Error('mine')
      }
    },
    new Proxy({}, {
      getPrototypeOf () {
        throw new Error('no prototype')
      },
      ownKeys () {
        throw new Error('hidden')
      }
    }),
    Proxy.revocable({}, {}),
    { friends },
    { n: 10n },
    Symbol('s'),
    () => 1,
    {
      toJSON () {
        throw new Error('no')
      }
    },
    Object.assign(new Error('x'), { friends }),
    'x'.repeat(5_000_000)
  ]
  for (const value of hostile) {
    log.info(value)
    log.info({ value }, 'in a field')
  }
  t.equal(lines.length, 2 * hostile.length)
  t.ok(JSON.stringify(lines).length < 2_000_000)
  t.match(lines[7]!.data, { value: /left out: it is at least/ })
  t.match(lines[8]!.data, { n: '10' })
})

t.test('a serialized part is read as the original argument', async t => {
  for (const value of ['text', 7, null, true, { a: [1, { b: null }] }, [1]]) {
    t.strictSame(logArgument(structuredClone(logParts([value]))[0]!), value)
  }
  const error = logArgument(structuredClone(logParts([Object.assign(new RangeError('far'), { code: 7 })]))[0]!) as
    & Error
    & { code: number }
  t.match(error, { name: 'RangeError', message: 'far', code: 7 })
  t.ok(error instanceof Error)
})

t.test('a line is bounded, whatever its arguments and fields are [F31]', async t => {
  const { log, lines } = setup()
  const values: [string, unknown][] = [
    ['many arguments', Array.from({ length: 100_000 }, () => 'x'.repeat(1000))],
    ['fields of long text', [Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, 'x'.repeat(10_000)])),
      'text']],
    ['a long key', [{ ['k'.repeat(100_000_000)]: 1 }]],
    ['text put together', ['x'.repeat(400_000_000)]],
    ['a symbol', [Symbol('x'.repeat(100_000_000))]],
    ['a message', [new Error('x'.repeat(300_000_000))]],
    ['an error with many fields', [
      Object.assign(new Error('x'),
        Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, 'y'.repeat(100)])))
    ]],
    ['a BigInt', [10n ** 100_000n]],
    ['a function whose toString throws', [Object.assign(() => 1, {
      toString () {
        throw new Error('no')
      }
    })]],
    ['ten thousand causes', [
      Array.from({ length: 10_000 }).reduce<Error>(cause => new Error('e', { cause }), new Error('first'))
    ]]
  ]
  for (const [name, words] of values) {
    const before = process.cpuUsage()
    log.info(...words as [unknown])
    t.ok(process.cpuUsage(before).user < 5_000_000, `${name}: seconds of a processor, not minutes`)
    t.ok(JSON.stringify(lines.at(-1)).length < 70_000, `${name}: ${JSON.stringify(lines.at(-1)).length} bytes`)
  }
  t.match(lines[1]!.data, { f0: /^x+$/, f99: /left out: the line has more than 32768 bytes/ })
})

t.test('one call reads a bounded part of its arguments, and parts left out count as read', async t => {
  let reads = 0
  const wide = Array.from({ length: 10_000 }, () => ({
    get a () {
      reads++
      return 1
    }
  }))
  const fields = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, wide]))
  const [part] = logParts([fields, fields, fields]) as [{ fields: Record<string, { plain: string }> }]
  t.match(part.fields['k0']!.plain, /^\[left out: it is at least \d+ bytes/)
  t.match(part.fields['k99']!.plain, /^\[left out: the line has more than/)
  t.ok(reads < 20_000, `${reads} reads`)
})
