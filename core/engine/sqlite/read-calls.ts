import type { Engine } from '../engine.ts'
import type { Reports } from '../reports.ts'
import { due } from './calls/due.ts'
import { get, logs } from './calls/get.ts'
import { overdue } from './calls/hold.ts'
import { schedules } from './calls/plan.ts'
import { deadGroups } from './lists/dead-groups.ts'
import { list } from './lists/list.ts'
import { queues } from './lists/queues.ts'
import { listRecords } from './rows/audit-records.ts'
import { kept } from './rows/facts.ts'
import { usageOfAll } from './rows/usage.ts'
import type { StoreAccess } from './store-access.ts'
import { healthOf } from './store.ts'

type ReadCalls = Reports & Pick<Engine, 'due' | 'get' | 'overdue' | 'schedules' | 'kept' | 'health'>

/** The calls of the engine that only read. */
export const readCalls = ({ current, read }: StoreAccess): ReadCalls => ({
  due: ask => read('due', tables => due(tables, ask)),
  get: id => read('get', tables => get(tables, id)),
  overdue: ask => read('overdue', tables => overdue(tables, ask)),
  schedules: ask => read('schedules', tables => schedules(tables, ask)),
  kept: ask => read('kept', tables => kept(tables, ask)),
  list: ask => read('list', tables => list(tables, ask)),
  logs: ask => read('logs', tables => logs(tables, ask)),
  count: () => read('count', tables => tables.memory.lanes.count()),
  queues: ask => read('queues', tables => queues(tables, ask)),
  dead: ask => read('dead', tables => deadGroups(tables, ask)),
  stats: ask => read('stats', tables => tables.hourly.stats(ask)),
  held: ask => read('held', tables => tables.holds.held(ask)),
  used: ids => read('used', tables => usageOfAll(tables, ids)),
  records: ask => read('records', tables => listRecords(tables, ask)),
  async health () {
    const store = current()
    if (store !== null) return healthOf(store)
    return { ok: false, kind: 'sqlite', last_write_ms: null, bytes: null, reason: 'The engine is not running' }
  }
})
