import t from 'tap'
import { full, setup } from './group-commit-fixtures.ts'
import { until } from '../../clock.ts'

t.test('concurrent callers share one transaction and one sync', async t => {
  const { put, seen, count } = setup()
  await Promise.all(Array.from({ length: 500 }, (_, x) => put(x)))
  t.equal(count(), 500)
  t.same(seen, { commits: 1, seals: 1, syncs: 1, undone: 0, writes: 500, troubles: [] })
})

t.test('a call that throws before it writes fails alone, and nothing is rolled back', async t => {
  const { commits, put, count, seen } = setup()
  const faulty = () =>
    commits.write('faulty', 'durable', () => {
      throw new Error('mine')
    })
  const answers = await Promise.allSettled([put(1), faulty(), put(2), faulty()])
  t.same(answers.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'rejected'])
  t.same([count(), seen.undone], [2, 0])
})

t.test('a call that throws after a write is rolled back with its transaction, and the others run again', async t => {
  const { commits, put, count, seen } = setup()
  const faulty = commits.write('faulty', 'durable', () => {
    seen.writes += 1
    throw new Error('mine')
  })
  const answers = await Promise.allSettled([put(1), faulty, put(2), put(2)])
  t.same(answers.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'rejected'])
  t.same([count(), seen.undone], [2, 2])
})

t.test('a transaction that cannot be rolled back loses the store, and every call fails', async t => {
  const { commits, put, seen } = setup({
    undo: () => {
      throw new Error('no way back')
    }
  })
  const faulty = commits.write('faulty', 'durable', () => {
    seen.writes += 1
    throw new Error('mine')
  })
  for (const call of await Promise.allSettled([put(1), faulty])) {
    t.match(call, { status: 'rejected', reason: { message: 'no way back' } })
  }
  t.ok(seen.troubles.includes('lost'))
})

t.test('a call resolves when it is durable, unless its ack point is earlier', async t => {
  const synced = Promise.withResolvers<void>()
  const { commits, put } = setup({ sync: () => synced.promise })
  const resolved: string[] = []
  const durable = put(1).then(() => resolved.push('durable'))
  await commits.write('claim', 'committed', () => 1).then(() => resolved.push('committed'))
  const later = put(2).then(() => resolved.push('later'))
  t.same(resolved, ['committed'])
  synced.resolve()
  await Promise.all([durable, later])
  t.same(resolved, ['committed', 'durable', 'later'])
})

t.test('the consequences of a commit run before its sync, which then does not block the event loop', async t => {
  const synced = Promise.withResolvers<void>()
  const order: string[] = []
  let isSetOff = false
  const { commits, put } = setup({
    sync: async haste => {
      order.push(haste === 'alone' ? 'the event loop waits' : 'a thread waits')
      await synced.promise
    },
    committed: () => {
      if (isSetOff) return false
      isSetOff = true
      queueMicrotask(() => void commits.write('claim', 'committed', () => 1).then(() => order.push('claimed')))
      return true
    }
  })
  const added = put(1).then(() => order.push('added'))
  await until('it is claimed', () => order.includes('claimed'))
  await until('a sync is requested', () => order.length > 1)
  t.same(order, ['claimed', 'a thread waits'])
  synced.resolve()
  await added
  await put(2)
  t.same(order, ['claimed', 'a thread waits', 'added', 'the event loop waits'])
})

t.test('a caller that does not wait for the disk continues before a sync blocks the event loop', async t => {
  const order: string[] = []
  const { commits, put } = setup({
    sync: async () => {
      order.push('sync')
    }
  })
  await Promise.all([put(1), commits.write('claim', 'committed', () => 1).then(() => order.push('claimed'))])
  t.same(order, ['claimed', 'sync'])
})

t.test('a call with the ack point `begun` resolves once its sync has begun', async t => {
  const order: string[] = []
  const disk = Promise.withResolvers<void>()
  const { commits, put, seen } = setup({
    sync: haste => {
      order.push(haste ?? 'shared')
      return disk.promise
    }
  })
  const begin = (writes: number) =>
    commits.write('claim', 'begun', () => {
      seen.writes += writes
    }).then(() => order.push('begun'))
  await begin(1)
  t.same(order.splice(0), ['hurried', 'begun'], 'no caller waits for the disk')
  await begin(0)
  t.same(order.splice(0), ['begun'], 'a call without changes needs no sync')
  const added = put(1)
  await begin(1)
  t.same(order.splice(0), ['shared', 'begun'], 'a caller that waits shares it')
  disk.resolve()
  await added
})

t.test('a failed sync that no caller waits for is reported', async t => {
  const { commits, seen } = setup({ sync: () => Promise.reject(new Error('EIO')) })
  await commits.write('claim', 'begun', () => {
    seen.writes += 1
  })
  await until('it is reported', () => seen.troubles.length > 0)
  t.same(seen.troubles, ['claim'])
  t.match(commits.failure, { message: 'EIO' })
})

t.test('a sequential caller lets the event loop turn once a millisecond', async t => {
  const { put, clock } = setup()
  let x = 0
  await put(x)
  /** The number of calls that waited for a turn, of `count` calls at intervals of 0.01 ms. */
  const turnsIn = async (calls: number) => {
    let turns = 0
    for (let call = 0; call < calls; call++) {
      let turned = false
      const turn = setImmediate(() => {
        turned = true
      })
      clock.now += 0.01
      await put(++x)
      clearImmediate(turn)
      if (turned) turns++
    }
    return turns
  }
  t.equal(await turnsIn(95), 0)
  t.equal(await turnsIn(10), 1, 'a millisecond has passed')
  t.equal(await turnsIn(80), 0, 'the next one begins')
})

t.test('only a single caller continues without a turn: with several, a batch waits for more', async t => {
  const { put, seen } = setup()
  let x = 0
  const one = () => put(x++)
  const inTurn = () => new Promise<void>(resolve => setImmediate(() => resolve()))
  const commitsOf = async (...calls: Promise<unknown>[]) => {
    const before = seen.commits
    await Promise.all(calls)
    return seen.commits - before
  }
  await one()
  t.equal(await commitsOf(one(), Promise.resolve().then(one)), 1, 'a call at the same time joins')
  await one()
  t.equal(await commitsOf(inTurn().then(one), one(), Promise.resolve().then(one)), 1, 'a third joins the two')
  await Promise.all([one(), one()])
  t.equal(await commitsOf(inTurn().then(one), one()), 1, 'a caller that resolved with another is not alone')
  await one()
  await inTurn()
  t.equal(await commitsOf(inTurn().then(one), inTurn().then(one)), 1, 'a turn later earlier calls have no effect')
})

t.test('a failed sync rejects all calls that wait for it', async t => {
  const { put, seen } = setup({ sync: () => Promise.reject(new Error('EIO')) })
  await t.rejects(Promise.all([put(1), put(2)]), { message: 'EIO' })
  t.same(seen.troubles, ['put'])
})

t.test('a full disk is retried while space can be freed, then calls are refused with 507 [F46]', async t => {
  let failures = 2
  const { put, count } = setup({
    seal: () => {
      if (failures > 0) throw full()
    },
    makeRoom: () => failures-- > 1
  })
  await t.rejects(put(1), { code: 'OFFPEAK_ENGINE_FAILED', statusCode: 507 })
  t.equal(count(), 0)
  await put(1)
  t.equal(count(), 1, 'it works again when there is space')
})

t.test('an unknown error of SQLite is reported with its message', async t => {
  const { put } = setup({
    seal: () => {
      throw Object.assign(new Error('disk I/O error'), { errcode: 10 })
    }
  })
  await t.rejects(put(1), {
    code: 'OFFPEAK_ENGINE_FAILED',
    message: 'The database refused the change: disk I/O error',
    fix: /report/
  })
})

t.test('a lock of another program is waited for [F49]', async t => {
  let busy = 2
  const { put, count } = setup({
    seal: () => {
      if (busy-- > 0) throw Object.assign(new Error('database is locked'), { errcode: 5 })
    }
  })
  await put(1)
  t.equal(count(), 1)
})

t.test('close waits for the sync of one caller before its own', async t => {
  const order: string[] = []
  const { commits, put } = setup({
    sync: async haste => {
      order.push(haste === 'alone' ? 'of one caller' : 'of the close')
    }
  })
  const added = put(1)
  await commits.close()
  await added
  t.same(order, ['of one caller', 'of the close'])
})

t.test('close waits for a sync that no caller waits for', async t => {
  const disk = Promise.withResolvers<void>()
  const { commits, seen } = setup({ sync: haste => haste === 'hurried' ? disk.promise : Promise.resolve() })
  await commits.write('claim', 'begun', () => {
    seen.writes += 1
  })
  let isClosed = false
  const closed = commits.close().then(() => {
    isClosed = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(isClosed)
  disk.resolve()
  await closed
})

t.test('close finishes accepted calls and accepts no more', async t => {
  const { commits, put, count } = setup()
  const asked = put(1)
  await commits.close()
  t.equal(await asked, 1)
  await t.rejects(put(2), { code: 'OFFPEAK_ENGINE_STOPPED' })
  t.equal(count(), 1)
})
