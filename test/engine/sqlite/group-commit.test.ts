import t from 'tap'
import { full, setup } from './group-commit-fixtures.ts'
import { until } from '../../clock.ts'

t.test('many callers of one moment share one transaction and one sync', async t => {
  const { put, seen, count } = setup()
  await Promise.all(Array.from({ length: 500 }, (_, x) => put(x)))
  t.equal(count(), 500)
  t.same(seen, { commits: 1, seals: 1, syncs: 1, undone: 0, writes: 500, troubles: [] })
})

t.test('a call that throws before it has written fails alone, and nothing is undone', async t => {
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

t.test('a transaction that cannot be rolled back loses the store, and every call says so', async t => {
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

t.test('nobody is answered before it is durable, but those who need not be', async t => {
  const synced = Promise.withResolvers<void>()
  const { commits, put } = setup({ sync: () => synced.promise })
  const told: string[] = []
  const durable = put(1).then(() => told.push('durable'))
  await commits.write('claim', 'committed', () => 1).then(() => told.push('committed'))
  const later = put(2).then(() => told.push('later'))
  t.same(told, ['committed'])
  synced.resolve()
  await Promise.all([durable, later])
  t.same(told, ['committed', 'durable', 'later'])
})

t.test('the consequences of a commit run before its sync, and the event loop does not wait for it then', async t => {
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
  await until('the disk is asked', () => order.length > 1)
  t.same(order, ['claimed', 'a thread waits'])
  synced.resolve()
  await added
  await put(2)
  t.same(order, ['claimed', 'a thread waits', 'added', 'the event loop waits'])
})

t.test('who need not wait for the disk goes on before the event loop waits for it', async t => {
  const order: string[] = []
  const { commits, put } = setup({
    sync: async () => {
      order.push('sync')
    }
  })
  await Promise.all([put(1), commits.write('claim', 'committed', () => 1).then(() => order.push('claimed'))])
  t.same(order, ['claimed', 'sync'])
})

t.test('what need not be waited for and is to last is on its way to the disk before whoever asked goes on', async t => {
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
  t.same(order.splice(0), ['hurried', 'begun'], 'nobody waits for the disk')
  await begin(0)
  t.same(order.splice(0), ['begun'], 'what has changed nothing needs none')
  const added = put(1)
  await begin(1)
  t.same(order.splice(0), ['shared', 'begun'], 'one who waits shares it')
  disk.resolve()
  await added
})

t.test('a disk that does not confirm what nobody waits for is told all the same', async t => {
  const { commits, seen } = setup({ sync: () => Promise.reject(new Error('EIO')) })
  await commits.write('claim', 'begun', () => {
    seen.writes += 1
  })
  await until('it is told', () => seen.troubles.length > 0)
  t.same(seen.troubles, ['claim'])
  t.match(commits.failure, { message: 'EIO' })
})

t.test('a caller who adds one after another lets the event loop turn once a millisecond', async t => {
  const { put, clock } = setup()
  let x = 0
  await put(x)
  /** How many of so many calls, 0.01 ms apart, have waited for a turn. */
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
  t.equal(await turnsIn(10), 1, 'a millisecond is over')
  t.equal(await turnsIn(80), 0, 'and the next one begins')
})

t.test('only a lone caller goes on so: where there are others, more are waited for', async t => {
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
  t.equal(await commitsOf(one(), Promise.resolve().then(one)), 1, 'who calls at once joins')
  await one()
  t.equal(await commitsOf(inTurn().then(one), one(), Promise.resolve().then(one)), 1, 'and with two of them a third')
  await Promise.all([one(), one()])
  t.equal(await commitsOf(inTurn().then(one), one()), 1, 'who was answered with another is not alone')
  await one()
  await inTurn()
  t.equal(await commitsOf(inTurn().then(one), inTurn().then(one)), 1, 'a turn later it is as if nobody had called')
})

t.test('a sync that fails fails all who waited for it', async t => {
  const { put, seen } = setup({ sync: () => Promise.reject(new Error('EIO')) })
  await t.rejects(Promise.all([put(1), put(2)]), { message: 'EIO' })
  t.same(seen.troubles, ['put'])
})

t.test('a full disk is tried again as long as there is room to make, then refused with 507 [F46]', async t => {
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
  t.equal(count(), 1, 'and works again when there is space')
})

t.test('what SQLite says is told when nobody knows better', async t => {
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

t.test('a lock of another program is waited out [F49]', async t => {
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

t.test('close waits for the sync that nobody waits for', async t => {
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

t.test('close answers what was asked and takes no more', async t => {
  const { commits, put, count } = setup()
  const asked = put(1)
  await commits.close()
  t.equal(await asked, 1)
  await t.rejects(put(2), { code: 'OFFPEAK_ENGINE_STOPPED' })
  t.equal(count(), 1)
})
