import t from 'tap'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import type { Commit, EngineEvent } from '../../core/engine/in-process.ts'
import type { NewRun } from '../../core/model/run/run.ts'

const NOW = Date.UTC(2026, 10, 22, 12)
const ask = (more: Partial<NewRun> = {}): NewRun => ({
  task: 'copy',
  queue: 'default',
  priority: 'normal',
  source: 'manual',
  due_at: NOW + 1000,
  max_retries: 0,
  ...more
})

t.test('the flag `now` of a waiting run survives a restart, and the record names who set it', async t => {
  const folder = t.testdir()
  const engine = createSqliteEngine({ folder })
  await engine.start()
  const [added] = await engine.add([ask()], NOW)
  const { id } = added!.run
  t.equal(added!.run.now, false)
  const run = await engine.edit({
    id,
    now: NOW,
    by: 'ann',
    run_now: true,
    due_at: NOW,
    record: { by: 'ann', action: 'run_now', detail: { passes: ['on_battery'] } }
  })
  t.match(run, { now: true, due_at: NOW, state: 'queued' })
  t.match(await engine.edit({ id, now: NOW, by: 'bob', priority: 'high' }), { now: true, priority: 'high' },
    'a later edit keeps it')
  await engine.stop()
  const again = createSqliteEngine({ folder })
  await again.start()
  t.teardown(() => again.stop())
  t.match(await again.get(id), { now: true, priority: 'high' })
  t.match((await again.due({ now: NOW, owner: 'me' })).singles, [{ id, now: true }], 'it is single')
  t.match(await again.records({ limit: 9 }), [{ by: 'bob', action: 'edit', subject: id }, {
    by: 'ann',
    action: 'run_now',
    subject: id,
    detail: { passes: ['on_battery'] }
  }])
})

t.test('commits have events for edits of waiting runs and for deletions', async t => {
  const engine = createSqliteEngine({ folder: t.testdir() })
  await engine.start()
  t.teardown(() => engine.stop())
  const events: EngineEvent[] = []
  engine.onCommit((change: Commit) => events.push(...change.events.filter(({ kind }) => kind !== 'recorded')))
  const [first] = await engine.add([ask(), ask(), ask()], NOW)
  const { id } = first!.run
  events.length = 0
  await engine.edit({ id, now: NOW, by: 'ann', priority: 'low' })
  const reason = { code: 'x', message: 'x', by: 'ann' }
  await engine.change({ act: 'promote', filter: { task: 'copy' }, now: NOW, limit: 10, dry_run: false, reason })
  await engine.change({ act: 'cancel', filter: { task: 'copy' }, now: NOW, limit: 10, dry_run: false, reason })
  await engine.discard({ id, now: NOW, reason })
  await engine.change({ act: 'remove', filter: { task: 'copy' }, now: NOW, limit: 10, dry_run: false, reason })
  t.same(events.map(({ call, kind }) => `${call} ${kind}`), [
    'edit edited',
    ...Array.from({ length: 3 }, () => 'change edited'),
    ...Array.from({ length: 3 }, () => 'change cancelled'),
    'discard removed',
    'change removed',
    'change removed'
  ])
})
