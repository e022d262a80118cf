import { engineStopped } from '../../model/errors/engine-errors.ts'
import { checkEdit, checkNew } from '../checks.ts'
import type { Engine } from '../engine.ts'
import { add } from './calls/add.ts'
import { bulkChange, discard } from './calls/bulk-change.ts'
import { claim } from './calls/claim.ts'
import { edit } from './calls/edit.ts'
import { hold } from './calls/hold.ts'
import { beat, leave } from './calls/leases.ts'
import { expire, hasExpired, lookForExpired } from './calls/crash-recovery.ts'
import { plan, unplan } from './calls/plan.ts'
import { cancel, end, report, retry, settle } from './calls/settle.ts'
import { sweep } from './calls/sweep.ts'
import { writeRecord } from './rows/audit-records.ts'
import { keep } from './rows/facts.ts'
import type { StoreAccess } from './store-access.ts'

type ClaimCalls = Pick<Engine, 'claim' | 'beat' | 'expire' | 'leave' | 'report' | 'settle'>

/** The calls of an owner that runs runs. */
export const claimCalls = ({ current, write }: StoreAccess): ClaimCalls => ({
  async claim (ask) {
    if (ask.offers.length === 0 && current() !== null) return []
    // The caller does not wait for the disk. The sync has begun by then, so that a power cut soon after the start does
    // not lose the attempt.
    return write('claim', tables => claim(tables, ask), 'begun')
  },
  beat: ask => write('beat', tables => beat(tables, ask), 'committed'),
  expire (ask) {
    const store = current()
    if (store === null) return Promise.reject(engineStopped())
    const { tables: known, commits } = store
    const late = lookForExpired(known, ask.now)
    // Without an expired lease there is no transaction.
    if (!commits.pending && !hasExpired(known, late, ask.now)) return Promise.resolve({ queued: [], failed: [] })
    return write('expire', tables => expire(tables, ask, late))
  },
  leave: ask => write('leave', tables => leave(tables, ask)),
  report: ask => write('report', tables => report(tables, ask)),
  settle: settlement => write('settle', tables => settle(tables, settlement))
})

type RunCalls = Pick<Engine, 'add' | 'cancel' | 'retry' | 'end' | 'edit' | 'discard' | 'change' | 'hold' | 'sweep'>

/** The calls that add, change and remove runs. */
export const runCalls = ({ read, write }: StoreAccess): RunCalls => ({
  async add (runs, now, options) {
    checkNew(runs)
    return write('add', tables => add(tables, runs, now, options))
  },
  cancel: ask => write('cancel', tables => cancel(tables, ask)),
  retry: ask => write('retry', tables => retry(tables, ask)),
  end: ask => write('end', tables => end(tables, ask)),
  async edit (ask) {
    checkEdit(ask)
    return write('edit', tables => edit(tables, ask))
  },
  discard: ask => write('discard', tables => discard(tables, ask)),
  change: ask => (ask.dry_run ? read : write)('change', tables => bulkChange(tables, ask)),
  hold: entries => write('hold', tables => hold(tables, entries)),
  sweep: ask => write('sweep', tables => sweep(tables, ask))
})

type StoredCalls = Pick<Engine, 'plan' | 'unplan' | 'keep' | 'record'>

/** The calls that change schedules, facts and audit entries. */
export const storedCalls = ({ write }: StoreAccess): StoredCalls => ({
  async plan (asks) {
    for (const { fires } of asks) checkNew(fires)
    // A power cut may undo the fires of a file's schedule: they are planned again from the cursor before them, with
    // other ids. What was added at run time was acknowledged to a client and is durable first.
    const isAcknowledged = asks.some(
      ({ from, schedule, record }) => record !== undefined || (from === null && schedule.origin === 'api')
    )
    return write('plan', tables => asks.map(ask => plan(tables, ask)), isAcknowledged ? 'durable' : 'begun')
  },
  unplan: ask => write('unplan', tables => unplan(tables, ask)),
  keep: ask => write('keep', tables => keep(tables, ask)),
  record: entry => write('record', tables => writeRecord(tables, entry))
})
