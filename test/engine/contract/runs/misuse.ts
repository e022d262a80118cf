import type { NewRun } from '../../../../core/model/run/run.ts'
import { T0, BY_HAND, addOne, ask, claimAll, settleAs, OUTCOMES } from '../fixtures.ts'
import { Suite } from '../suite.ts'

/** Invalid and hostile input. */
export const misuse = new Suite()

misuse.test('an unknown id of any form finds no run [F33]', async (t, setup) => {
  const engine = await setup(t)
  for (const id of ['', 'nobody', '__proto__', "'; drop table run; --", '0000000000', 'x'.repeat(100_000), '\u0000']) {
    const by = { id, now: T0, by: 'me', reason: BY_HAND }
    t.same([
      await engine.get(id),
      await engine.cancel(by),
      await engine.retry({ ...by, due_at: T0 }),
      await engine.edit(by),
      await engine.discard(by),
      await engine.end({ ...by, as: 'failed' }),
      await settleAs(engine, { id, turn: 1 }, OUTCOMES.completed!)
    ], [null, null, null, null, null, null, null], id.slice(0, 30))
    t.equal(await engine.report({ lease: { id, turn: 1 }, now: T0, checkpoint: 1 }), false)
    t.same(await engine.logs({ id, after: 0, limit: 9 }), [])
    await engine.hold([{ owner: 'me', id, at: T0, code: 'x', message: '' }])
    t.same(
      await engine.claim({
        owner: 'me',
        now: T0,
        lease_until: T0,
        offers: [{ id, rank: 0, needs: [id], takes: [id] }],
        pools: {}
      }),
      []
    )
  }
})

misuse.test('invalid names, a run that waits for itself and a circle are refused', async (t, setup) => {
  const engine = await setup(t)
  const wrong: [Partial<NewRun>, string][] = [
    [{ task: '__proto__' }, '/0/task'],
    [{ task: 'A B' }, '/0/task'],
    [{ queue: '../etc' }, '/0/queue'],
    [{ queue: '' }, '/0/queue'],
    [{ priority: 'constructor' as never }, '/0/priority'],
    [{ ref: '__proto__' }, '/0/ref'],
    [{ ref: 'me', after: [{ run: '#me', condition: 'done' }] }, '/0/after'],
    [{ after: [{ run: '__proto__', condition: 'done' }] }, '/0/after/0/run'],
    [{ due_at: Number.NaN }, '/0/due_at'],
    [{ due_at: 1e300 }, '/0/due_at'],
    [{ max_retries: -1 }, '/0/max_retries']
  ]
  for (const [more, pointer] of wrong) {
    await t.rejects(engine.add([ask(more)], T0), { code: 'OFFPEAK_INPUT_INVALID', errors: [{ pointer }] },
      JSON.stringify(more))
  }
  const circle = [ask({ ref: 'a', after: [{ run: '#b', condition: 'done' }] }),
    ask({ ref: 'b', after: [{ run: '#a', condition: 'done' }] })]
  await t.rejects(engine.add(circle, T0), { code: 'OFFPEAK_INPUT_INVALID', errors: [{ detail: /#a → #b → #a/ }] })
  t.same(await engine.count(), [])
})

misuse.test('a refusal states the found and the expected value of each field and each entry of after',
  async (t, setup) => {
    const engine = await setup(t)
    const wrong: [object, { pointer: string, detail: string | RegExp }][] = [
      [{ priority: 'urgnt' }, {
        pointer: '/0/priority',
        detail: "found 'urgnt', expected one of critical, high, normal, low"
      }],
      [{ due_at: '2026-01-01' }, { pointer: '/0/due_at', detail: "found '2026-01-01', expected an instant in ms" }],
      [{ ref: 'a b' }, { pointer: '/0/ref', detail: /^found 'a b', expected a name/ }],
      [{ after: [{ run: 'x', condition: 'done' }, { run: 'y', condition: 'over' }] }, {
        pointer: '/0/after/1/condition',
        detail: "found 'over', expected one of completed, done, failed"
      }],
      [{ after: [{ run: 5, condition: 'done' }] }, {
        pointer: '/0/after/0/run',
        detail: 'found 5, expected the id of a run'
      }]
    ]
    for (const [more, fault] of wrong) {
      await t.rejects(engine.add([ask(more)], T0), { code: 'OFFPEAK_INPUT_INVALID', errors: [fault] },
        JSON.stringify(more))
    }
    const run = await addOne(engine)
    await t.rejects(engine.edit({ id: run.id, now: T0, by: 'ann', priority: 'urgnt' as never }), {
      errors: [{ pointer: '/priority', detail: /^found 'urgnt', expected one of critical/ }]
    })
  })

misuse.test('a payload of ten megabytes is kept, and one that cannot be serialized fails alone', async (t, setup) => {
  const engine = await setup(t)
  const large = 'x'.repeat(10 * 2 ** 20)
  const circle: { self?: unknown } = {}
  circle.self = circle
  const results = await Promise.allSettled([engine.add([ask({ payload: large })], T0),
    engine.add([ask({ payload: circle as never })], T0), engine.add([ask({ payload: 2 })], T0)])
  t.same(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled'])
  t.same((await claimAll(engine)).map(({ payload }) => payload === large ? 'large' : payload), ['large', 2])
})

misuse.test('fields named after prototype members are data and change no prototype', async (t, setup) => {
  const engine = await setup(t)
  const evil = JSON.parse('{"__proto__":{"polluted":true},"a":1}') as never
  const { id } = await addOne(engine, { payload: evil, key: '__proto__' })
  t.match(await engine.add([ask({ key: '__proto__' })], T0), [{ created: false, run: { id } }])
  const [run] = await claimAll(engine, { tasks: { a: 1, constructor: 1 } })
  await engine.report({
    lease: run!,
    now: T0,
    checkpoint: evil,
    logs: [{ at: T0, level: 30, text: 'x', data: evil }]
  })
  await engine.keep({ name: '__proto__', value: evil, now: T0 })
  await settleAs(engine, run!, { kind: 'completed', result: evil })
  const full = (await engine.get(id))!
  for (const part of [full.payload, full.result, full.checkpoint] as { a: number, polluted?: boolean }[]) {
    t.same([part.a, part.polluted, Object.hasOwn(part, '__proto__')], [1, undefined, true])
  }
  t.match(await engine.kept({ prefix: '__' }), [{ name: '__proto__' }])
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  t.same(
    await engine.change({ act: 'retry', filter: {}, now: T0, limit: 9, dry_run: true, bounds: { constructor: 1 } }),
    { matched: 0, runs: [], refused: {}, next: null }
  )
})
