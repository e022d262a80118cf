import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIG, FILES, add, ask } from './standing.ts'
import { left, served } from './server.ts'
import { until } from '../clock.ts'
import type { Health } from './standing.ts'

t.test('a run that has blocked the loop has a warning, and health lists it', { timeout: 240_000 }, async t => {
  const it = await served(t, { files: FILES, config: CONFIG })
  const id = await add(it, 'spin', { ms: 4500 })
  await until('it is over',
    async () => (await ask(it, `/api/runs/${id}`).catch(() => null))?.body.state === 'completed')
  t.match((await it.call('GET', `/api/runs/${id}`)).body, {
    state: 'completed',
    result: 'let go',
    warning: /blocked the event loop for \d+ s: use isolation/
  })
  await until('health lists it',
    async () => ((await it.call('GET', '/api/health')).body as Health).loop.stood.length === 1)
  t.match((await it.call('GET', '/api/health')).body, {
    status: 'degraded',
    reasons: [new RegExp(`run ${id} of task 'spin' blocked it`)],
    loop: { ok: false, standing: null }
  })
})

t.test(
  'a loop blocked beyond manager.loop_limit ends the process, and only the blocking run is charged',
  { timeout: 240_000 },
  async t => {
    const it = await served(t, { files: FILES, config: { manager: { ...CONFIG.manager, loop_limit: 4 } } })
    const beside = await add(it, 'long')
    const id = await add(it, 'spin')
    t.strictSame(await it.exit, [null, 'SIGKILL'])
    t.match(JSON.parse(readFileSync(join(it.root, 'data/loop.json'), 'utf8')), { runs: [{ id }], ended: 'limit' })
    const manager = await left(t, it.root)
    const now = Date.now()
    await manager.upkeep.recover()
    const held = await manager.desk.run(id)
    t.match(held, {
      state: 'queued',
      crashes: 1,
      attempt: 0,
      reason: { code: 'crashed', message: /it blocked the event loop for \d+ s at .*spin\.ts:\d+/ }
    })
    t.ok(held.due_at >= now + 4000, 'it waits, so that offpeak can be reached before')
    t.match(await manager.desk.run(beside), { state: 'queued', crashes: 0, attempt: 0 })
  }
)
