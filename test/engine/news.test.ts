import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { T0, ask } from './contract/ground.ts'
import { folderOf } from './process.ts'

async function open (t: Test) {
  const folder = folderOf(t)
  const engine = createSqliteEngine({ folder, ballastBytes: 4096 })
  t.teardown(() => engine.stop())
  await engine.start()
  return { engine, file: join(folder, 'offpeak.db') }
}

t.test('a claim that is made when a run is on its way takes it in the same change', async t => {
  const { engine, file } = await open(t)
  const db = new DatabaseSync(file, { readOnly: true })
  t.teardown(() => db.close())
  const claims: Promise<unknown>[] = []
  const told: unknown[] = []
  engine.listen({
    coming: (task, run) => {
      claims.push(engine.claim({ owner: 'me', now: run().due_at, lease_until: T0 + 9, limit: 1, room: { tasks: { [task]: 1 } } }))
    },
    told: () => {
      told.push(...db.prepare('select state from run').all().map(row => row['state']))
      return false
    }
  })
  for (const runs of [[ask({ due_at: T0 + 1 })], [ask(), ask()], [ask({ skipped: { code: 'x', message: 'x' } })]]) await engine.add(runs, T0)
  t.same([claims.length, told.splice(0).length], [0, 8], 'it may not start, or is one of many')
  const [added] = await engine.add([ask({ task: 'b', payload: { n: 1 } })], T0)
  t.match(await claims[0], [{ id: added!.run.id, state: 'running', payload: { n: 1 } }])
  t.same(told, [1, 1, 1, 6, 2])
  t.match(await engine.add([ask({ task: 'c', payload: 'long '.repeat(999), key: 'k' })], T0), [{ created: true }])
  t.match(await engine.add([ask({ task: 'c', key: 'k' })], T0), [{ created: false }])
  t.match(await Promise.all(claims), [{ length: 1 }, [{ payload: 'long '.repeat(999) }], { length: 0 }])
})

t.test('what is told of a run says which one comes before it, where that is known', async t => {
  const { engine } = await open(t)
  const told: (string | null)[] = []
  engine.listen({
    coming: () => {},
    told: news => {
      told.push(...news.map(({ behind }) => behind))
      return false
    }
  })
  const [first] = await engine.add([ask()], T0)
  const [urgent, second] = await engine.add([ask({ priority: 'high' }), ask()], T0)
  t.strictSame(told.splice(0), [null, null, first!.run.id], 'another priority is another line')
  const [earlier] = await engine.add([ask({ due_at: T0 - 1 })], T0)
  await engine.cancel({ id: first!.run.id, reason: { code: 'x', message: 'x' }, now: T0 })
  await engine.add([ask()], T0)
  t.strictSame(told.splice(0), [null, earlier!.run.id])
  for (const { id } of [earlier!.run, second!.run, urgent!.run]) await engine.cancel({ id, reason: { code: 'x', message: 'x' }, now: T0 })
  await engine.add([ask()], T0)
  t.strictSame(told, [null], 'nobody looks which one is first now')
})

t.test('what is added, and what follows from an end, is told once it is stored', async t => {
  const { engine } = await open(t)
  const told: string[] = []
  engine.listen({
    coming: (task, run) => void told.push(`coming: ${task} ${run().state}`),
    told: news => {
      for (const { kind, run } of news) told.push(`${kind}: ${run.task} ${run.state}`)
      return false
    }
  })
  const after = (run: string) => [{ run, condition: 'completed' as const }]
  const [first] = await engine.add([ask({ ref: 'a' }), ask({ task: 'b', ref: 'b', after: after('#a') }), ask({ task: 'c', after: after('#b') }), ask({ task: 'd', after: [{ run: '#a', condition: 'done' }] })], T0)
  t.same(told.splice(0), ['added: a queued', 'added: b blocked', 'added: c blocked', 'added: d blocked'])
  await engine.cancel({ id: first!.run.id, reason: { code: 'x', message: 'x' }, now: T0 })
  t.same(told.toSorted(), ['followed: b skipped', 'followed: c skipped', 'followed: d queued'])
})
