import t from 'tap'
import { NOON } from './gates/machine.ts'
import { offersFor } from '../../core/model/admit/offers.ts'
import { runOf } from './admit/store.ts'
import { taskOf } from '../task.ts'
import { verdictOn } from '../../core/model/admit/admission-input.ts'
import { isSuspect, sharesOf, suspectFrom, waitAfterCrash } from '../../core/model/run/crash-suspect.ts'
import type { Blame, Share } from '../../core/model/run/crash-suspect.ts'

const CHILD = { pid: 7, started: '1' }

interface Cut {
  id: string
  crashes?: number
  started_at?: number
  child?: typeof CHILD | null
}

function shares (runs: Cut[], blame: Partial<Blame> | null = null, cap = 5): Record<string, Share> {
  const full = runs.map(run => ({ crashes: 0, started_at: 100, child: null, ...run }))
  const of = sharesOf(full, {
    crash_cap: cap,
    blame: blame && { owner: 'me', runs: [], ended: null, words: '', ...blame }
  })
  return Object.fromEntries(full.map(run => [run.id, of(run)]))
}

t.test('a first crash counts for every run that may have caused it, or for the only one [F02]', async t => {
  t.strictSame(shares([{ id: 'a' }]), { a: 'alone' })
  t.strictSame(shares([{ id: 'a', crashes: 2 }, { id: 'b', crashes: 2 }, { id: 'new' }]), {
    a: 'among',
    b: 'among',
    new: 'among'
  })
})

t.test('a run in its own process is not a cause while others ran inside', async t => {
  t.strictSame(shares([{ id: 'a' }, { id: 'script', child: CHILD }]), { a: 'alone', script: 'beside' })
  t.strictSame(shares([{ id: 'one', child: CHILD }, { id: 'two', child: CHILD }]), { one: 'among', two: 'among' },
    'nobody else can be')
})

t.test('of suspects that are tried apart the one that started last is on trial', async t => {
  const runs = [{ id: 'long', crashes: 3, started_at: 100 }, { id: 'bad', crashes: 3, started_at: 900 }, {
    id: 'new',
    started_at: 950
  }]
  t.strictSame(shares(runs), { long: 'beside', bad: 'alone', new: 'among' })
})

t.test('a run that blocked the event loop is the cause, and a stop has no culprit [F04]', async t => {
  const runs = [{ id: 'spin' }, { id: 'long', crashes: 4 }]
  t.strictSame(shares(runs, { runs: ['spin'] }), { spin: 'alone', long: 'beside' })
  t.strictSame(shares(runs, { runs: ['spin'], ended: 'limit' }), { spin: 'alone', long: 'beside' })
  t.strictSame(shares(runs, { runs: ['spin'], ended: 'stop' }), { spin: 'stopped', long: 'stopped' })
  t.strictSame(shares(runs, { runs: ['gone'] }), { spin: 'among', long: 'alone' }, 'what is not there says nothing')
})

t.test('a run is a suspect two crashes before the cap, never after one crash, and waits longer each time', async t => {
  t.strictSame([1, 2, 3, 5, 100].map(suspectFrom), [2, 2, 2, 3, 98])
  t.notOk(isSuspect({ crashes: 2 }, 5))
  t.ok(isSuspect({ crashes: 3 }, 5))
  t.notOk(isSuspect({}, 5))
  t.strictSame([2, 3, 4, 5, 60].map(crashes => waitAfterCrash(crashes, 5)), [0, 1000, 2000, 4000, 300_000])
})

t.test('of several suspects one may start, and the next when that has run for ten seconds', async t => {
  const tasks = new Map(['bad', 'long', 'new'].map(id => [id, taskOf({ id })]))
  const waiting = (task: string, crashes: number) => runOf({ id: task, task, crashes, single: true })
  const facts = { tasks, running: [], slots: 4, now: NOON }
  const { offers, pools } = offersFor({
    ...facts,
    due: { cohorts: [], singles: [waiting('bad', 3), waiting('long', 3), waiting('new', 0)] }
  })
  t.strictSame(offers.filter(({ needs }) => needs.includes('suspect')).map(({ id }) => id).toSorted(), ['bad', 'long'])
  t.equal(pools.suspect, 1)
  const tried = {
    task: 'long',
    queue: 'default',
    locks: [],
    alone: false,
    priority: 'normal',
    source: 'manual',
    due_at: NOON,
    started_at: NOON,
    resting: false,
    crashes: 3
  } as const
  const verdict = (crashes: number, now: number) =>
    verdictOn({ ...facts, now, running: [tried] }, waiting('bad', crashes))
  const held = verdict(3, NOON + 9999)
  t.equal(held.decision, 'hold')
  t.match(held.gates.filter(({ ok }) => !ok), [{
    gate: 'suspect',
    ok: false,
    code: 'suspect',
    clears_at: NOON + 10_000,
    message: /3 crashes of offpeak, waits for a run of long, another crash suspect/
  }])
  t.match(verdict(3, NOON + 10_000), { decision: 'start' })
  t.match(verdict(2, NOON), { decision: 'start' })
})
