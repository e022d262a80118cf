import { deepEqual, ok } from 'node:assert/strict'
import type { BulkAction as Change, Added, ClaimAsk } from '../../../core/engine/engine.ts'
import type { RunFilter } from '../../../core/engine/reports.ts'
import { CONDITIONS, CONFLICTS, PRIORITIES, isFinal } from '../../../core/model/run/run.ts'
import type { NewRun, State } from '../../../core/model/run/run.ts'
import { ask, fire, planAsk, schedule } from '../contract/fixtures.ts'
import { told, wanted } from './compare.ts'
import type { Draw } from './random-draw.ts'
import type { Laws } from './reference-engine.ts'
import { LEASE, act, ownerOf, reasonOf } from './steps.ts'
import type { Step, World } from './steps.ts'
import { isWaiting } from './expected-run.ts'
import type { Was } from './expected-run.ts'

/** Adds one run to the laws, with the id that the engine has given if it is a new one. */
function addOne (laws: Laws, asked: NewRun, id: string): { run: Was, created: boolean, conflict?: string } {
  const known = laws.named(asked.task, asked.key)
  const conflict = asked.unique?.conflict ?? 'return'
  const beside = known?.state === 'running' && conflict === 'keep_last'
  if (known && beside) known.free = known.displaced = true
  if (!known || beside) return { run: laws.born(asked, id), created: true }
  if (!isWaiting(known) || conflict === 'return') return { run: known, created: false, conflict: 'returned' }
  laws.alone(known)
  if (conflict === 'reschedule') known.due_at = asked.due_at
  else {
    const { queue, priority, due_at, max_retries, payload = null, deadline_at = null, expires = false,
      now = known.now } = asked
    Object.assign(known, {
      queue,
      priority,
      due_at,
      nominal_at: due_at,
      max_retries,
      payload,
      deadline_at,
      expires,
      now
    })
  }
  return { run: known, created: false, conflict: conflict === 'reschedule' ? 'rescheduled' : 'replaced' }
}

function addAll (laws: Laws, asks: readonly NewRun[], found: readonly Added[]): void {
  const refs = new Map<string, string>()
  const waits: [Was, NewRun][] = []
  const expected = asks.map((asked, index) => {
    const added = addOne(laws, asked, found[index]!.run.id)
    if (asked.ref !== undefined) refs.set(asked.ref, added.run.id)
    if (added.created) waits.push([added.run, asked])
    return { ...added, shown: wanted(added.run, laws) }
  })
  for (const [run, { after = [] }] of waits) {
    if (run.state !== 'blocked') continue
    run.links = after.map(({ run: name, condition }) => {
      const ref = name.startsWith('#') ? name.slice(1) : null
      return { id: ref === null ? name : refs.get(ref)!, ref, condition, counted: null, result: null }
    })
  }
  laws.follow()
  const isFlow = asks.some(({ ref, after }) => ref !== undefined || after !== undefined)
  deepEqual(
    found.map(({ run, created, conflict }) => ({ run: told(run), created, conflict })),
    expected.map(({ run, created, conflict, shown }) => ({
      run: isFlow ? wanted(run, laws) : shown,
      created,
      conflict
    }))
  )
}

const DEADLINES = [undefined, undefined, undefined, { deadline_at: 60 }, { deadline_at: 60, expires: true }]
const MORE: readonly Partial<NewRun>[] = [{}, {}, {}, {}, { source: 'schedule' }, { source: 'catch_up' }, { now: true },
  { single: true }]

function asked ({ laws: { now }, batched = false }: World, draw: Draw, more: Partial<NewRun> = {}): NewRun {
  // Calls that share a transaction are to meet in the same cohorts.
  const [task, priority, queue] = batched
    ? [draw.of(['a', 'a', 'b']), draw.of(['normal', 'normal', 'low'] as const), 'q']
    : [draw.of(['a', 'b']), draw.of(['normal', 'low', 'high', 'critical'] as const), draw.of(['q', 'r'])]
  const due_at = now + draw.of([0, 0, 3, 50, -4])
  const [max_retries, deadline, payload] = [draw.below(3), draw.of(DEADLINES),
    draw.of([undefined, 1, 'long '.repeat(200)])]
  const until = deadline && { ...deadline, deadline_at: Math.max(now, due_at) + deadline.deadline_at }
  return ask({
    task,
    priority,
    queue,
    due_at,
    max_retries,
    ...until,
    ...payload !== undefined && { payload },
    ...draw.of(MORE),
    ...more
  })
}

const add: Step = (world, draw) => {
  const asks = Array.from({ length: 1 + draw.below(3) }, () => asked(world, draw))
  return act(() => world.engine.add(asks, world.laws.now), found => addAll(world.laws, asks, found))
}

const name: Step = (world, draw) => {
  const key = draw.of(['k', 'l'])
  const unique = draw.below(6) === 5
    ? undefined
    : { until: draw.of(['started', 'finished', 20, 'kept'] as const), conflict: draw.of(CONFLICTS) }
  const asks = [
    asked(world, draw, { key: `${key}${draw.below(3)}`, task: draw.of(['a', 'b']), ...unique && { unique } })
  ]
  return act(() => world.engine.add(asks, world.laws.now), found => addAll(world.laws, asks, found))
}

const flow: Step = (world, draw) => {
  const { engine, laws } = world
  // What is over and has a result is the prerequisite that may be removed before its dependents have it.
  const known = world.batched
    ? []
    : draw.below(2) === 0
    ? laws.runs.slice(-20)
    : laws.runs.filter(({ result }) => result !== null)
  const asks = Array.from({ length: 1 + draw.below(4) }, (_, index) => {
    const other = draw.among(known)
    const names = [...index > 0 ? [`#r${draw.below(index)}`] : [], ...other && draw.below(2) === 0 ? [other.id] : []]
    return asked(world, draw, {
      ref: `r${index}`,
      after: names.map(run => ({ run, condition: draw.of(CONDITIONS) })),
      ...draw.below(5) === 4 && { key: 'f' }
    })
  })
  // A name may stand for a run that comes later in the call.
  if (draw.below(2) === 1) asks.reverse()
  return act(() => engine.add(asks, laws.now), found => addAll(laws, asks, found))
}

/** What cannot be meant, and what a queue has no room for, is refused as a whole. */
const refused: Step = (world, draw) => {
  const { engine, laws } = world
  const now = laws.now
  const calls: [code: string, call: () => Promise<unknown>][] = [
    ['OFFPEAK_INPUT_INVALID',
      () => engine.add([ask({ task: 'a' }), ask({ after: [{ run: '00000000000', condition: 'done' }] })], now)],
    ['OFFPEAK_INPUT_INVALID',
      () =>
        engine.add([ask({ ref: 'x', after: [{ run: '#y', condition: 'done' }] }),
          ask({ ref: 'y', after: [{ run: '#x', condition: 'done' }] })], now)],
    ['OFFPEAK_INPUT_INVALID', () => engine.add([ask(), ask({ max_retries: -1 })], now)],
    ['OFFPEAK_QUEUE_FULL',
      () => engine.add([ask({ queue: 'q' })], now, { bounds: { q: { max: 0, on_full: 'refuse' } } })],
    ['OFFPEAK_INPUT_INVALID', () => engine.add([ask({ key: 'never' }), ask({ schedule: {} as never })], now)],
    ['OFFPEAK_INPUT_INVALID',
      () =>
        engine.plan([planAsk({ schedule: schedule({ id: 'c' }), fires: [fire(now)] }), planAsk({
          schedule: schedule({ id: 'd' }),
          fires: [fire(now, { after: [{ run: '00000000000', condition: 'done' }] })]
        })])]
  ]
  const [code, call] = draw.of(calls)
  return { call, apply: () => undefined, refused: code }
}

const OFFERED = ['task', 'queue', 'priority', 'span', 'scheduled'] as const

/** Offers of some of what is due, and pools that are short. */
const claim: Step = (world, draw) => {
  const { engine, laws } = world
  const owner = draw.of([ownerOf(world), ownerOf(world), 'other'])
  const keys = [
    ...new Map(
      laws.runs.flatMap(run => laws.cohortOf(run) ?? []).map(
        cohort => [OFFERED.map(word => cohort[word]).join(), cohort]
      )
    ).values()
  ]
  const pooled = (task: string, queue: string) =>
    draw.of<string[]>([[], ['slots'], ['slots', `task/${task}`], ['slots', `queue/${queue}`, 'few']])
  const offer = (task: string, queue: string, priority: Was['priority']) => ({
    rank: draw.of([0, PRIORITIES.indexOf(priority)]),
    needs: pooled(task, queue),
    takes: pooled(task, queue)
  })
  const range = () =>
    draw.of([{ from: 0, until: laws.now }, { from: 0, until: laws.now + 99 }, { from: laws.now - 5, until: laws.now }, {
      from: 0,
      until: laws.now - 3
    }])
  const offers = [
    ...keys.filter(() => draw.below(4) > 0).map(cohort => ({
      cohort: { ...cohort, ...range() },
      ...offer(cohort.task, cohort.queue, cohort.priority)
    })),
    ...laws.singles().filter(() => draw.below(4) > 0).map(({ id, task, queue, priority }) => ({
      id,
      ...offer(task, queue, priority)
    }))
  ]
  const pools = draw.of<Record<string, number>>([{ slots: 3 }, { 'slots': 9, 'task/a': 1, 'task/b': 2 }, {
    'slots': 2,
    'queue/q': 2,
    'few': 1
  }, { few: 2 }])
  const asks: ClaimAsk = {
    owner,
    now: laws.now,
    lease_until: laws.now + LEASE,
    offers: draw.below(2) === 0 ? offers : offers.toReversed(),
    pools,
    ...draw.below(3) === 2 && { limit: 2 },
    ...draw.below(3) === 2 && { rates: { q: { count: 2, per_ms: 40 } } }
  }
  return act(() => engine.claim(asks), found => {
    const taken = laws.claim(asks)
    deepEqual(found.map(told), taken.map(run => wanted(run, laws)))
    for (const [index, run] of taken.entries()) {
      const { payload, checkpoint, results, offer: place } = found[index]!
      const expected = Object.fromEntries(
        run.links.map(({ id, ref, result }) => [ref ?? id, (laws.find(id) ?? { result }).result])
      )
      deepEqual([payload, checkpoint, results ?? {}], [run.payload, run.checkpoint, expected])
      const offered = offers.length > 0 && (asks.offers[place]!.id ?? null)
      deepEqual(offered, run.single ? run.id : null, 'by its own offer')
    }
  })
}

const plan: Step = (world, draw) => {
  const { engine, laws } = world
  const other = draw.among(world.batched ? [] : laws.runs.filter(({ state }) => !isFinal(state)))
  const id = draw.of(['a', 'b'])
  const overlap = draw.of(['skip', 'queue', 'replace', 'allow'] as const)
  const from = draw.below(5) === 4 ? 5 : laws.cursors.get(id) ?? null
  const fires = Array.from({ length: 1 + draw.below(2) }, () => {
    const at = laws.now - draw.below(3)
    return fire(at, {
      task: id,
      schedule: id,
      missed: draw.below(2),
      ...draw.of([() => ({}), () => ({}), () => ({ skipped: reasonOf('missed') }),
        () => other ? { after: [{ run: other.id, condition: 'done' as const }] } : {}])()
    })
  })
  const cursor = laws.now + draw.below(3)
  return act(() => engine.plan([{ schedule: schedule({ id, task: id, cursor }), from, fires, overlap, now: laws.now }]),
    ([planned]) => {
      const stored = laws.cursors.get(id) ?? null
      const applied = from === null || stored === from
      deepEqual([planned!.applied, planned!.stored?.cursor ?? null], [applied, applied ? cursor : stored])
      if (!applied) {
        return deepEqual([planned!.added, planned!.skipped, planned!.coalesced, planned!.replaced], [[], [], 0, []])
      }
      laws.cursors.set(id, cursor)
      const fresh = [...planned!.added, ...planned!.skipped].map(run => run.id).toSorted()
      const expected = { added: 0, skipped: 0, coalesced: 0, replaced: 0 }
      for (const one of fires) expected[fired(laws, one, { overlap, fresh, count: expected })] += 1
      deepEqual({
        added: planned!.added.length,
        skipped: planned!.skipped.length,
        coalesced: planned!.coalesced,
        replaced: planned!.replaced.length
      }, expected)
    })
}

interface Firing {
  overlap: 'skip' | 'queue' | 'replace' | 'allow'
  fresh: string[]
  count: { added: number, skipped: number, coalesced: number, replaced: number }
}

/** Fires once, as the laws say; adds what it has replaced, and answers what it came to. */
function fired (laws: Laws, one: NewRun, { overlap, fresh, count }: Firing): 'added' | 'skipped' | 'coalesced' {
  if (laws.named(one.task, one.key)) {
    // It has its run already: that is neither.
    count.added -= 1
    return 'added'
  }
  const open = laws.runs.filter(({ schedule: of, state }) => of === one.schedule && !isFinal(state))
  let skipped = one.skipped
  if (overlap === 'replace' && !skipped) {
    for (const run of open.filter(({ cancel }) => cancel === null)) {
      laws.cancel(run, 'replaced')
      count.replaced += 1
    }
  }
  if (overlap === 'skip' && !skipped) {
    const waiting = open.find(isWaiting)
    if (waiting) {
      waiting.missed += 1 + (one.missed ?? 0)
      return 'coalesced'
    }
    if (open.length > 0) skipped = reasonOf('overlap')
  }
  const run = laws.born(skipped ? { ...one, skipped } : one, fresh.shift() ?? '')
  if (skipped) return 'skipped'
  if (run.state === 'blocked') {
    run.links = (one.after ?? []).map(({ run: id, condition }) => ({
      id,
      ref: null,
      condition,
      counted: null,
      result: null
    }))
  }
  // What it waits for may have ended by the same call: it is told before the next fire comes.
  if (run.links.length > 0) laws.follow()
  return 'added'
}

const ABLE: Record<Change, (run: Was, now: number) => boolean> = {
  cancel: run => isWaiting(run) || (run.state === 'running' && run.cancel === null),
  retry: ({ state }) => isFinal(state),
  remove: ({ state }) => isFinal(state),
  promote: (run, now) => isWaiting(run) && run.due_at > now
}

const FILTERS: readonly RunFilter[] = [
  {},
  { task: 'a' },
  { queue: 'r' },
  { task: 'b', queue: 'q' },
  { state: ['failed', 'queued'] },
  { source: 'schedule' },
  { schedule: 'a', state: ['skipped', 'running', 'blocked'] }
]

const change: Step = ({ engine, laws, batched = false }, draw) => {
  const what = draw.of(['cancel', 'retry', 'remove', 'promote'] as const)
  const filter = draw.of(FILTERS)
  const [limit, every, dry] = [draw.of([2, 1, 5, 1000]), draw.of([0, 7]), draw.below(5) === 4 && !batched]
  const states: readonly State[] | undefined = filter.state ?? (what === 'retry' ? ['failed'] : undefined)
  const fits = (run: Was) =>
    (!states || states.includes(run.state)) && (!filter.task || run.task === filter.task) &&
    (!filter.queue || run.queue === filter.queue) && (!filter.source || run.source === filter.source) &&
    (!filter.schedule || run.schedule === filter.schedule)
  return act(
    () =>
      engine.change({
        filter,
        act: what,
        now: laws.now,
        limit,
        dry_run: dry,
        reason: reasonOf('all'),
        every_ms: every
      }),
    ({ matched, runs }) => {
      const able = laws.runs.filter(run => ABLE[what](run, laws.now) && fits(run)).toReversed()
      const meant = dry ? [] : able.slice(0, limit)
      deepEqual([matched, runs.map(({ id }) => id)], [able.length, meant.map(({ id }) => id)], what)
      if (meant.length > 0) laws.records += 1
      for (const [place, run] of meant.entries()) {
        if (what === 'cancel') laws.cancel(run, 'all')
        else if (what === 'retry') laws.retry(run, laws.now + place * every)
        else if (what === 'remove') laws.remove(run)
        else {
          laws.alone(run)
          run.due_at = laws.now
        }
      }
    }
  )
}

/** Either a few of what is old, or all of it and what is beyond the newest. Which of the old ones went the engine says.
 */
export const sweep: Step = ({ engine, laws }, draw) => {
  const dead = draw.of([undefined, laws.now - 40])
  const wished = laws.now - draw.of([100, 30])
  // Of a run that ended before it was made, the clock having gone back, nobody can say how old it is.
  const odd = laws.runs.some(({ created_at: made, finished_at: over }) =>
    over !== null && [wished, dead].some(at => at !== undefined && made >= at && over < at)
  )
  const before = odd ? 0 : wished
  const dead_before = odd && dead !== undefined ? 0 : dead
  const isOld = ({ state, finished_at: over }: Was) =>
    isFinal(state) && over! < (state === 'failed' && dead_before !== undefined ? dead_before : before)
  const few = draw.below(2) === 0
  const [limit, keep] = few ? [1 + draw.below(3), 10_000] : [10_000, draw.of([10_000, 8, 2])]
  const old = laws.runs.filter(isOld)
  const rest = laws.runs.filter(run =>
    isFinal(run.state) && !isOld(run) && (run.state !== 'failed' || dead_before === undefined)
  )
  const beyond = ['a', 'b'].flatMap(task => rest.filter(run => run.task === task).toReversed().slice(keep))
  const gone = [...old, ...beyond]
  return act(async () => {
    const count = await engine.sweep({
      now: laws.now,
      before,
      keep,
      limit,
      ...dead_before !== undefined && { dead_before }
    })
    return { count, left: await Promise.all(gone.map(async ({ id }) => await engine.get(id) !== null)) }
  }, ({ count, left }) => {
    deepEqual(count, Math.min(limit, gone.length), 'swept')
    for (const [index, run] of gone.entries()) if (!left[index]) laws.remove(run)
    ok(left.filter(is => !is).length === count, 'and only what may be')
  })
}

/** What is done to many runs. */
export const CROWDS: Record<string, Step> = { add, name, flow, refused, claim, plan, change }
