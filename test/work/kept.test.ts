import t from 'tap'
import { home } from '../manager/home.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'

const SLOW = { timeout: 240_000 }
const MODES = ['inline', 'thread', 'process'] as const

/** Code of values that JSON converts, and of a graph in which each object refers to all others. */
const VALUES = `
  class Money { cents = 5; toJSON () { return { euro: this.cents / 100 } } }
  class Point { x = 1; y = [2] }
  const values = () => ({ date: new Date(0), none: new Date(NaN), url: new URL('http://a/b?c'),
    instant: Temporal.Instant.from('2026-11-30T01:02:03Z'),
    zoned: Temporal.ZonedDateTime.from('2026-11-30T01:00[Europe/Berlin]'), buffer: Buffer.from('ab'),
    money: [new Money()], point: new Point(), map: new Map([['a', new Date(0)]]), set: new Set([1]), absent: undefined,
    holes: [undefined], text: 'a\\u0000b\\ud800' })
  const friends = Array.from({ length: 10 }, (_, id) => ({ id }))
  for (const one of friends) one.friends = friends.filter(other => other !== one)`

const KEPT = {
  date: '1970-01-01T00:00:00.000Z',
  none: null,
  url: 'http://a/b?c',
  instant: '2026-11-30T01:02:03Z',
  zoned: '2026-11-30T01:00:00+01:00[Europe/Berlin]',
  buffer: { type: 'Buffer', data: [97, 98] },
  money: [{ euro: 0.05 }],
  point: { x: 1, y: [2] },
  map: [['a', '1970-01-01T00:00:00.000Z']],
  set: [1],
  holes: [null],
  text: 'a\u0000b\ud800'
}

/** Matches the whole refusal of a checkpoint. */
const refusal = (code: string, detail: string) =>
  new RegExp(`^OFFPEAK_CHECKPOINT_${code}: The checkpoint was not saved: ${detail}$`)

async function setup (t: Owner, bodies: Record<string, string>) {
  const file = `${VALUES}
    const bodies = { ${Object.entries(bodies).map(([name, body]) => `${name}: async ctx => { ${body} }`).join(',\n')} }
    export const TASK_DEFINITIONS = ${
    JSON.stringify(MODES)
  }.flatMap(isolation => Object.entries(bodies).map(([name, func]) =>
      ({ id: name + '.' + isolation, func, isolation, max_retries: 1,
        backoff: { kind: 'fixed', delay: 0.01, jitter: 0 } })))`
  const it = await home(t, { files: { 'kept.mjs': file } })
  await it.manager.start()
  const { desk, engine } = it.manager
  const over = async (id: string) => {
    await until(`${id} is over`, async () => ['completed', 'failed', 'skipped'].includes((await engine.get(id))!.state))
    return (await engine.get(id))!
  }
  const ended = async (task: string, ask: object = {}) => over((await desk.enqueue(task, ask)).run.id)
  return { ...it, over, ended }
}

t.test('results, checkpoints, steps, payloads and log fields are stored as JSON converts them', SLOW, async t => {
  const { ended, over, manager } = await setup(t, {
    returns: 'return values()',
    keeps: `
      if (ctx.attempt === 2) return { read: await ctx.checkpoint.read(), step: await ctx.step('one', () => 0) }
      await ctx.checkpoint.save(values())
      const first = await ctx.step('one', values)
      ctx.log.info({ values: values(), level: 'mine' }, 'kept')
      ctx.log.info({ first: first.money })
      throw new Error('again')`,
    adds: 'return await ctx.enqueue("echo.inline", { payload: values() })',
    echo: 'return ctx.payload'
  })
  for (const mode of MODES) {
    t.strictSame(await ended(`returns.${mode}`).then(({ result, warning }) => [result, warning]), [KEPT, null], mode)
    const { id, result } = await ended(`keeps.${mode}`)
    t.strictSame(result, { read: KEPT, step: KEPT }, mode)
    const lines = await manager.desk.logs({ id, after: 0, limit: 9 })
    t.match(lines, [{ level: 30, text: 'kept' }, {}], mode)
    t.strictSame(lines.map(({ data }) => data), [{ values: KEPT, level: 'mine' }, { first: [{ euro: 0.05 }] }], mode)
    t.strictSame((await over((await ended(`adds.${mode}`)).result as string)).result, KEPT, mode)
  }
})

/** Saves, returns and enqueues what cannot be stored, and logs the refusals. */
const REFUSED = `
      if (ctx.attempt === 2) return await ctx.checkpoint.read()
      const codeOf = async work => await work().then(() => 'kept', ({ code, message }) => code + ': ' + message)
      const deep = Array.from({ length: 40 }).reduce(inner => [inner], 0)
      await ctx.checkpoint.save({ page: 1 })
      const messages = []
      const states = ['x'.repeat(300_000), deep, { items: [1, 2, 3, { when: () => 1 }] }, { n: 10n }, [NaN], friends,
        { get a () { throw new Error('mine') } }, Promise.resolve()]
      for (const state of states) messages.push(await codeOf(() => ctx.checkpoint.save(state)))
      for (const result of ['x'.repeat(300_000), deep, { items: [Symbol('s')] }]) {
        messages.push(await codeOf(() => ctx.step('step ' + messages.length, () => result)))
      }
      for (const payload of ['x'.repeat(300_000), deep, { items: [{ when: -Infinity }] }]) {
        messages.push(await codeOf(() => ctx.enqueue('refused.inline', { payload })))
      }
      for (const message of messages) ctx.log.info(message)
      throw new Error('again')`

/** The messages of `REFUSED`, in order. */
const REFUSALS = [
  refusal('TOO_LARGE', 'it is at least 300002 bytes of JSON, and at most 262144 may be kept'),
  /^OFFPEAK_CHECKPOINT_TOO_DEEP: The checkpoint was not saved: (\/0){32} is nested deeper than 32 levels$/,
  refusal('NOT_JSON', '/items/3/when is a function, which JSON does not have'),
  /^OFFPEAK_CHECKPOINT_NOT_JSON: .*\/n is a BigInt/,
  /^OFFPEAK_CHECKPOINT_NOT_JSON: .*\/0 is NaN/,
  /^OFFPEAK_CHECKPOINT_NOT_JSON: .*\/0\/friends\/0\/friends\/0 is circular/,
  /^OFFPEAK_CHECKPOINT_NOT_JSON: .*\/a cannot be read: mine/,
  /^OFFPEAK_CHECKPOINT_NOT_JSON: .*it is a Promise/,
  /^OFFPEAK_STEPS_TOO_LARGE: With the step 'step 8' .* more than 262144 bytes/,
  /^OFFPEAK_STEP_TOO_DEEP: .*'step 9'/,
  /^OFFPEAK_STEP_NOT_JSON: .*'step 10' cannot be kept: \/items\/0 is a symbol/,
  /^OFFPEAK_INPUT_INVALID: .*\/payload is at least 300002 bytes/,
  /^OFFPEAK_INPUT_INVALID: .*\/payload(\/0){32} is nested deeper/,
  /^OFFPEAK_INPUT_INVALID: .*\/payload\/items\/0\/when is -Infinity/
]

t.test(
  'a value that cannot be stored is refused with code and path, and the run keeps its checkpoint [F31]',
  SLOW,
  async t => {
    const { ended, manager } = await setup(t, {
      refused: REFUSED
    })
    for (const mode of MODES) {
      const { id, result, state } = await ended(`refused.${mode}`)
      t.strictSame([state, result], ['completed', { page: 1 }], mode)
      const lines = await manager.desk.logs({ id, after: 0, limit: 20 })
      t.match(lines.map(({ text }) => text), REFUSALS, mode)
      t.equal(lines.length, REFUSALS.length)
    }
  }
)

t.test('a result that cannot be stored completes the run with a warning that names the value', SLOW, async t => {
  const { ended } = await setup(t, {
    large: 'return "x".repeat(300_000)',
    knows: 'return friends',
    odd: 'return { fine: 1, nested: [{ when: () => 1 }] }',
    hostile: 'return new Proxy({}, { getPrototypeOf () { throw new Error("mine") } })',
    warned: 'return ctx.warn("look", { never: Symbol("s") })'
  })
  for (const mode of MODES) {
    t.match(await ended(`large.${mode}`), {
      state: 'completed',
      attempt: 1,
      result: null,
      warning: /^its result was not kept: it is at least 300002 bytes/
    }, mode)
    t.match(await ended(`knows.${mode}`), {
      state: 'completed',
      attempt: 1,
      result: null,
      warning: /^its result was not kept: it is at least 26\d+ bytes/
    }, mode)
    t.match(await ended(`odd.${mode}`), {
      state: 'completed',
      result: { fine: 1, nested: [{}] },
      warning: 'its result was not kept as it was: /nested/0/when is a function, which JSON does not have'
    }, mode)
    t.match(await ended(`warned.${mode}`), {
      state: 'completed',
      result: {},
      warning: /^look; its result .* \/never is a symbol/
    }, mode)
    t.match(await ended(`hostile.${mode}`), { state: 'completed', warning: /is a Proxy/ }, mode)
  }
})

t.test('changes to a checkpoint after it is read, or to the result of a step, are not stored', SLOW, async t => {
  const { ended } = await setup(t, {
    changes: `
      const read = await ctx.checkpoint.read()
      if (ctx.attempt === 2) return [read, await ctx.step('list', () => 0)]
      await ctx.checkpoint.save({ page: 1 })
      const state = await ctx.checkpoint.read()
      state.page = 2
      const list = await ctx.step('list', () => [1])
      list.push(2)
      await ctx.step('more', () => 3)
      throw new Error('again')`
  })
  for (const mode of MODES) t.strictSame((await ended(`changes.${mode}`)).result, [{ page: 1 }, [1]], mode)
})

t.test('an attempt fails with a message, whatever its task throws [F32]', SLOW, async t => {
  const { ended } = await setup(t, {
    proxy: 'throw new Proxy({}, { getPrototypeOf () { throw new Error("no") } })',
    friends: 'throw friends',
    object: 'throw { status: 503, data: "busy" }',
    bigint: 'throw 10n',
    skip: 'try { ctx.skip("a") } catch (error) { error.message = undefined; throw error }',
    late: 'try { ctx.retryAfter(1) } catch (error) { error.ms = NaN; throw error }'
  })
  for (const mode of MODES) {
    t.match(await ended(`object.${mode}`), { state: 'failed', error: { message: '{"status":503,"data":"busy"}' } },
      mode)
    t.match(await ended(`friends.${mode}`), { state: 'failed', error: { message: /left out: it is at least/ } }, mode)
    t.match(await ended(`bigint.${mode}`), { state: 'failed', error: { message: '10' } }, mode)
    t.match(await ended(`proxy.${mode}`), { state: 'failed' }, mode)
    t.match(await ended(`skip.${mode}`), { state: 'skipped' }, mode)
    t.match(await ended(`late.${mode}`), { state: 'failed', attempt: 2 }, `${mode}: the backoff decides`)
  }
})
