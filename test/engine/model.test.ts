import fc from 'fast-check'
import t from 'tap'
import type { Added, Engine } from '../../core/engine/engine.ts'
import { createSqliteEngine } from '../../core/engine/sqlite.ts'
import type { Outcome } from '../../core/model/outcome.ts'
import { CONDITIONS, isFinal } from '../../core/model/run.ts'
import type { Condition, State, Unique } from '../../core/model/run.ts'
import { T0, ask } from './contract/ground.ts'
import { folderOf } from './process.ts'

/** What a run has to be, said as simply as it can be. */
interface Expected { state: State, turn: number, attempt: number, crashes: number, cancel: boolean, ends: number, priority: number, codes: string[], open: boolean, after: Link[], key: string | null, until: Unique['until'] | undefined, displaced: boolean }

/** `counted`: what the prerequisite came to when it did. */
interface Link { id: string, condition: Condition, counted?: State }

interface World { engine: Engine, runs: Map<string, Expected>, order: string[], owner: number, keys: Map<string, string> }

const WORDS = ['critical', 'high', 'normal', 'low'] as const
const BOOM = { name: 'Error', message: 'boom' }
const REASON = { code: 'x', message: 'x' }
const RETRIES = 2
const CAP = 3

const pick = ({ order }: World, index: number) => order[index % Math.max(1, order.length)]

const OUTCOMES: Record<string, Outcome> = {
  completed: { kind: 'completed', result: null },
  failed: { kind: 'failed', error: BOOM, retry_at: T0 },
  final: { kind: 'failed', error: BOOM, retry_at: null },
  postponed: { kind: 'postponed', reason: REASON, due_at: T0 },
  skipped: { kind: 'skipped', reason: REASON },
  cancelled: { kind: 'cancelled', reason: REASON }
}

function expect (run: Expected, kind: string) {
  run.ends += 1
  const again = kind === 'postponed' || (kind === 'failed' && run.attempt <= RETRIES)
  if (kind === 'postponed' && !run.cancel) run.attempt -= 1
  if (run.cancel && ['failed', 'final', 'postponed'].includes(kind)) run.state = 'cancelled'
  else run.state = again ? run.displaced ? 'skipped' : 'queued' : kind === 'final' ? 'failed' : kind as State
}

const isWaiting = ({ state }: Expected) => state === 'queued' || state === 'blocked'

/** What follows from the ends of others, until nothing does. */
function follow ({ runs }: World) {
  for (let changed = true; changed;) {
    changed = false
    for (const run of [...runs.values()].filter(({ state }) => state === 'blocked')) {
      for (const link of run.after) {
        const { state } = runs.get(link.id)!
        if (!link.counted && isFinal(state)) link.counted = state
      }
      const met = run.after.map(({ condition, counted }) => counted === undefined ? null : condition === 'done' || condition === counted)
      if (met.includes(false)) run.state = 'skipped'
      else if (!met.includes(null)) run.state = 'queued'
      changed ||= run.state !== 'blocked'
    }
  }
}

const UNIQUE: (Unique | undefined)[] = [undefined, { until: 'started', conflict: 'replace' }, { until: 'finished', conflict: 'keep_last' }]

const expected = (more: Partial<Expected>): Expected => ({
  state: 'queued', turn: 0, attempt: 0, crashes: 0, cancel: false, ends: 0, priority: 2, codes: [], open: false, after: [], key: null, until: undefined, displaced: false, ...more
})

function expectAdd ({ runs, order, keys }: World, { key, unique, id, priority }: { key: string, unique: Unique | undefined, id: string, priority: number }): Added['conflict'] {
  const holder = runs.get(keys.get(key) ?? '')
  const beside = unique?.conflict === 'keep_last' && holder?.state === 'running'
  if (holder && beside) holder.displaced = true
  if (holder && !beside) {
    if (!unique || !isWaiting(holder)) return 'returned'
    holder.priority = priority
    return 'replaced'
  }
  if (runs.has(id)) throw new Error('a new run has an id that was given before')
  order.push(id)
  runs.set(id, expected({ priority, key, until: unique?.until }))
  keys.set(key, id)
  return undefined
}

/** Keys that are nobody's own any more. */
function freeKeys ({ runs, keys }: World) {
  for (const [key, id] of keys) {
    const { state, until } = runs.get(id)!
    if ((until === 'started' && state === 'running') || (until !== undefined && isFinal(state))) keys.delete(key)
  }
}

type Step = (world: World) => Promise<void>

const steps: Record<string, (index: number) => Step> = {
  add: index => async world => {
    const key = `k${index % 10}`
    const unique = UNIQUE[Math.floor(index / 10) % 3]
    const [added] = await world.engine.add([ask({ key, priority: WORDS[index % 4]!, max_retries: RETRIES, ...unique && { unique } })], T0)
    const conflict = expectAdd(world, { key, unique, id: added!.run.id, priority: index % 4 })
    if (added!.conflict !== conflict || added!.created !== (conflict === undefined)) throw new Error(`${added!.conflict} is not ${conflict}`)
  },
  wait: index => async world => {
    const ids = [pick(world, index), pick(world, index * 7 + 3)].filter(id => id !== undefined)
    if (ids.length === 0) return
    const after: Link[] = ids.map((id, place) => ({ id, condition: CONDITIONS[(index + place) % 3]! }))
    const [added] = await world.engine.add([ask({ max_retries: RETRIES, after: after.map(({ id, condition }) => ({ run: id, condition })) })], T0)
    world.order.push(added!.run.id)
    world.runs.set(added!.run.id, expected({ state: 'blocked', after }))
    follow(world)
    if (added!.run.state !== world.runs.get(added!.run.id)!.state) throw new Error('the answer says another state')
  },
  claim: index => async world => {
    const claimed = await world.engine.claim({ owner: `o${world.owner}`, now: T0, lease_until: T0, limit: 1 + index % 3, room: { tasks: { a: 9 } } })
    const waiting = world.order.filter(id => world.runs.get(id)!.state === 'queued')
      .toSorted((a, b) => world.runs.get(a)!.priority - world.runs.get(b)!.priority || (a < b ? -1 : 1))
    const ids = claimed.map(({ id }) => id)
    if (ids.join() !== waiting.slice(0, 1 + index % 3).join()) throw new Error(`claimed ${ids.join()} of ${waiting.join()}`)
    for (const id of ids) {
      const run = world.runs.get(id)!
      Object.assign(run, { state: 'running', turn: run.turn + 1, attempt: run.attempt + 1, open: false })
    }
  },
  settle: index => async world => {
    const id = pick(world, index)
    const run = id ? world.runs.get(id) : undefined
    if (!id || !run) return
    const kind = Object.keys(OUTCOMES)[index % 6]!
    const turn = run.turn - (index % 5 === 0 ? 1 : 0)
    const answer = await world.engine.settle({ lease: { id, turn }, outcome: OUTCOMES[kind]!, now: T0 })
    const holds = run.state === 'running' && turn === run.turn
    if ((answer !== null) !== holds) throw new Error('a stale holder was heard')
    if (holds) expect(run, kind)
  },
  cancel: index => async world => {
    const id = pick(world, index)
    const run = id ? world.runs.get(id) : undefined
    if (!id || !run) return
    await world.engine.cancel({ id, reason: REASON, now: T0 })
    if (isWaiting(run)) Object.assign(run, { state: 'cancelled', open: false })
    if (run.state === 'running') run.cancel = true
  },
  retry: index => async world => {
    const id = pick(world, index)
    const run = id ? world.runs.get(id) : undefined
    if (!id || !run) return
    await world.engine.retry({ id, now: T0, due_at: T0 })
    if (isWaiting(run) || run.state === 'running') return
    Object.assign(run, { state: 'queued', attempt: 0, crashes: 0, cancel: false, displaced: false })
    if (run.key !== null && run.until !== undefined && !world.keys.has(run.key)) world.keys.set(run.key, id)
  },
  hold: index => async world => {
    const id = pick(world, index)
    const run = id ? world.runs.get(id) : undefined
    if (!id || !run) return
    const code = [null, 'battery', 'window'][index % 3]!
    await world.engine.hold([{ id, at: T0, code, message: '' }])
    if (run.state !== 'queued') return
    if (code !== null && !(run.open && run.codes.at(-1) === code)) run.codes.push(code)
    run.open = code !== null
  },
  end: index => async world => {
    const id = pick(world, index)
    const run = id ? world.runs.get(id) : undefined
    if (!id || !run) return
    const as = index % 2 ? 'skipped' : 'failed'
    await world.engine.end({ id, now: T0, as, reason: REASON })
    if (isWaiting(run)) Object.assign(run, { state: as, open: false })
  },
  edit: index => async world => {
    const id = pick(world, index)
    const run = id ? world.runs.get(id) : undefined
    if (!id || !run) return
    await world.engine.edit({ id, now: T0, by: 'me', priority: WORDS[index % 4]! })
    if (isWaiting(run)) run.priority = index % 4
  },
  cancelMany: index => async world => {
    const { matched, changed } = await world.engine.change({ filter: {}, act: 'cancel', now: T0, limit: index % 3, dry_run: false, reason: REASON })
    const able = world.order.filter(id => isWaiting(world.runs.get(id)!) || (world.runs.get(id)!.state === 'running' && !world.runs.get(id)!.cancel))
    if (matched !== able.length || changed !== Math.min(able.length, index % 3)) throw new Error(`${changed} of ${matched} were cancelled, of ${able.length}`)
    for (const run of able.toReversed().slice(0, changed).map(id => world.runs.get(id)!)) {
      if (run.state === 'running') run.cancel = true
      else Object.assign(run, { state: 'cancelled', open: false })
    }
  },
  crash: () => async world => {
    await world.engine.stop()
    await world.engine.start()
    world.owner += 1
    await world.engine.recover({ owner: `o${world.owner}`, now: T0, restart: 'restart', crash_cap: CAP })
    for (const run of world.runs.values()) {
      if (run.state !== 'running') continue
      Object.assign(run, { attempt: run.attempt - 1, crashes: run.crashes + 1, ends: run.ends + 1 })
      run.state = run.cancel ? 'cancelled' : run.crashes >= CAP ? 'failed' : run.displaced ? 'skipped' : 'queued'
    }
  }
}

async function compare ({ engine, runs, order }: World) {
  for (const id of order) {
    const { state, turn, attempt, crashes, ends, codes, open } = runs.get(id)!
    const run = await engine.get(id)
    const found = run && {
      state: run.state, turn: run.turn, attempt: run.attempt, crashes: run.crashes, ends: run.attempts.length,
      codes: run.holds.map(({ code }) => code), open: run.holds.some(({ to }) => to === null)
    }
    const wanted = { state, turn, attempt, crashes, ends, codes, open }
    if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`)
  }
  const [counted] = await engine.count()
  for (const [state, count] of Object.entries(counted?.states ?? {})) {
    const wanted = order.filter(id => runs.get(id)!.state === state).length
    if (count !== wanted) throw new Error(`${count} ${state} runs are counted, there are ${wanted}`)
  }
  const due = (await engine.due(T0)).tasks[0]?.count ?? 0
  const waiting = order.filter(id => runs.get(id)!.state === 'queued').length
  if (due !== waiting) throw new Error(`${due} runs are due, there are ${waiting}`)
}

t.test('whatever is done in whatever order, every run is what the rules say', async t => {
  const step = fc.oneof(...Object.entries(steps).map(([name, make]) =>
    ({ weight: name === 'crash' || name === 'cancelMany' ? 1 : 3, arbitrary: fc.nat(30).map(index => Object.assign(make(index), { toString: () => `${name} ${index}` })) })))
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async todo => {
    const engine = createSqliteEngine({ folder: folderOf(t), ballastBytes: 0, synchronous: 'normal' })
    await engine.start()
    const world: World = { engine, runs: new Map(), order: [], owner: 0, keys: new Map() }
    try {
      for (const act of todo) {
        await act(world)
        follow(world)
        freeKeys(world)
      }
      await compare(world)
    } finally {
      await engine.stop()
    }
  }), { numRuns: 60 })
})
