import t from 'tap'
import { MODES, SLOW, everywhere } from './everywhere.ts'
import { until } from '../clock.ts'
import type { Notice } from '../../core/model/notice.ts'

t.test('skip, retryAfter, fail, warn and enqueue do the same in each isolation', SLOW, async t => {
  const { ended, manager } = await everywhere(t, {
    skips: 'ctx.skip("nothing new")',
    later: 'if (ctx.attempt === 1) ctx.retryAfter(0.02, "locked"); return ctx.attempt',
    fails: 'ctx.fail("wrong password")',
    warns: 'return ctx.warn("2 unreadable", { files: 9 })',
    adds: `return await ctx.enqueue('skips.inline',
      { payload: { from: ctx.task }, due_at: new Date('2040-01-01T00:00:00Z') })`,
    wrong: 'try { await ctx.enqueue("no_such_task") } catch (error) { return [error.code, error.message] }'
  })
  for (const mode of MODES) {
    t.match(await ended(`skips.${mode}`), {
      state: 'skipped',
      reason: { code: 'skipped_by_task', message: 'nothing new' }
    }, mode)
    t.match(await ended(`later.${mode}`), {
      state: 'completed',
      result: 2,
      attempts: [{ error: { message: 'locked', name: 'RetryAfter' } }, {}]
    }, mode)
    t.match(await ended(`fails.${mode}`), {
      state: 'failed',
      attempt: 1,
      error: { message: 'wrong password', name: 'Fatal' }
    }, mode)
    t.match(await ended(`warns.${mode}`), { state: 'completed', warning: '2 unreadable', result: { files: 9 } }, mode)
    const { result } = await ended(`adds.${mode}`)
    t.match(await manager.desk.run(result as string), {
      task: 'skips.inline',
      payload: { from: `adds.${mode}` },
      due_at: Date.parse('2040-01-01T00:00:00Z')
    }, mode)
    t.match((await ended(`wrong.${mode}`)).result, ['OFFPEAK_TASK_NOT_FOUND', /no_such_task/], mode)
  }
})

t.test('a step is executed once in a run, and later attempts read its result', SLOW, async t => {
  const { ended } = await everywhere(t, {
    steps: `
      await ctx.checkpoint.save('mine')
      const first = await ctx.step('first', () => ({ at: new Date(0), attempt: ctx.attempt }))
      if (ctx.attempt === 1) throw new Error('interrupted')
      const second = await ctx.step('second', async () => ctx.attempt)
      const again = await ctx.step('second', () => 0).catch(error => error.code)
      return { first, second, again, mine: await ctx.checkpoint.read() }`,
    large: `
      await ctx.step('small', () => 1)
      return await ctx.step('large', () => 'x'.repeat(255_000))
        .then(() => ctx.step('more', () => 'x'.repeat(9000))).catch(error => error.code)`
  })
  for (const mode of MODES) {
    t.strictSame((await ended(`steps.${mode}`)).result, {
      first: { at: '1970-01-01T00:00:00.000Z', attempt: 1 },
      second: 2,
      again: 'OFFPEAK_STEP_REPEATED',
      mine: 'mine'
    }, mode)
    t.equal((await ended(`large.${mode}`)).result, 'OFFPEAK_STEPS_TOO_LARGE', mode)
  }
})

t.test('a run reads the results of its dependencies by ref, id and task in each isolation', SLOW, async t => {
  const fields = `name === 'later' ? { depends_on: [{ task: 'source.inline' }] } : {}`
  const { manager, reach, ended } = await everywhere(t, {
    source: 'return { rows: [1, { deep: "\\u00e9" }], from: ctx.payload }',
    sum: 'return ctx.results',
    later: 'return ctx.results'
  }, { fields })
  const { desk } = manager
  await ended('source.inline', { payload: 'depended on' })
  const { run: known } = await desk.enqueue('source.process', { payload: 'by id' })
  for (const mode of MODES) {
    const added = await desk.bulk.add([
      { task: 'source.thread', payload: 'by ref', ref: 'first' },
      { task: `sum.${mode}`, ref: 'second', after: ['#first', known.id] },
      { task: `later.${mode}`, after: ['#second'] }
    ])
    const [, second, third] = added.map(({ run: { id } }) => id) as [string, string, string]
    await reach(third, 'completed')
    const sum = {
      first: { rows: [1, { deep: 'é' }], from: 'by ref' },
      [known.id]: { rows: [1, { deep: 'é' }], from: 'by id' }
    }
    t.same((await desk.run(second)).result, sum, mode)
    t.same((await desk.run(third)).result, {
      second: sum,
      'source.inline': { rows: [1, { deep: 'é' }], from: 'depended on' }
    }, mode)
  }
  const { run } = await desk.enqueue('sum.thread')
  await reach(run.id, 'completed')
  t.same((await desk.run(run.id)).result, {}, 'a run without dependencies has no results')
})

t.test('changed hints and a cancel reach a function in each isolation', SLOW, async t => {
  const { manager, see, reach } = await everywhere(t, {
    listens: `
      const changed = Promise.withResolvers()
      ctx.onHints(hints => changed.resolve(hints.quality))
      ctx.log.info({ quality: ctx.hints.quality }, 'begun')
      const quality = await changed.promise
      ctx.log.info({ quality, live: ctx.hints.quality }, 'changed')
      await new Promise((_, no) => ctx.signal.addEventListener('abort', () => no(ctx.signal.reason)))`
  })
  const runs = await Promise.all(MODES.map(async mode => (await manager.desk.enqueue(`listens.${mode}`)).run))
  const lines = async (id: string) => {
    await manager.beat('flush')
    return (await manager.desk.logs({ id, after: 0, limit: 10 })).map(({ data }) => data)
  }
  await manager.look()
  for (const { id } of runs) await until('it has begun', async () => (await lines(id)).length === 1)
  see({ power: 'battery', battery: { present: true, level: 40, charging: false } })
  await manager.look()
  for (const { id, task } of runs) {
    await until('its hints have changed', async () => (await lines(id)).length === 2)
    t.strictSame(await lines(id), [{ quality: 'high' }, { quality: 'low', live: 'low' }], task)
    await manager.desk.cancel(id, { by: 'anna', message: 'enough' })
    await reach(id, 'cancelled')
    t.match(await manager.engine.get(id), { reason: { code: 'cancelled', message: 'enough', by: 'anna' } })
  }
})

t.test('breathe also waits in a thread and in a process while the gates are closed', SLOW, async t => {
  const { manager, see, noticesOf } = await everywhere(t, {
    rests: `
      let seen = false
      ctx.onHints(({ profile }) => { seen ||= profile === 'battery_normal' })
      ctx.log.info('begun')
      while (!seen) await ctx.breathe()
      await ctx.breathe()
      return ctx.hints.profile`
  }, { fields: '{ constraints: { power: "mains" } }', config: { scheduling: { dwell: 0 } } })
  await manager.look()
  for (const mode of ['thread', 'process']) {
    const { run } = await manager.desk.enqueue(`rests.${mode}`)
    await until('it has begun', async () => {
      await manager.beat('flush')
      return (await manager.desk.logs({ id: run.id, after: 0, limit: 1 })).length === 1
    })
    see({ power: 'battery', battery: { present: true, level: 90, charging: false } })
    await manager.look()
    await until('it rests', () =>
      noticesOf('resting').some(notice => notice.kind === 'resting' && notice.id === run.id))
    t.equal((await manager.engine.get(run.id))!.state, 'running', mode)
    see({ power: 'mains', battery: { present: true, level: 90, charging: true } })
    await until('it is completed', async () => {
      await manager.look()
      return (await manager.engine.get(run.id))!.state === 'completed'
    })
    t.equal((await manager.engine.get(run.id))!.result, 'charging', mode)
  }
})

t.test('an uncaught error is attributed to its run, and the run continues [F25]', SLOW, async t => {
  const { ended, noticesOf } = await everywhere(t, {
    late: `
      setTimeout(() => { throw new Error('in a callback') }, 5)
      void Promise.reject(new Error('unhandled'))
      await new Promise(r => setTimeout(r, 50))
      return 'done'`,
    after: 'setTimeout(() => { throw new Error("too late") }, 20); return "done"',
    forges: `
      const ask = { say: 'ask', id: 999, what: 'nothing', words: [] }
      const forged = [{ say: 'log' }, ask, { say: '__proto__' }, null, 7]
      for (const message of forged) process.send?.(message)
      await ctx.breathe()
      return 'done'`
  })
  const errorsOf = (id: string) =>
    noticesOf('late_error').flatMap(notice =>
      notice.kind === 'late_error' && notice.id === id ? [notice.error.message] : []
    )
  for (const mode of ['thread', 'process']) {
    const run = await ended(`late.${mode}`)
    t.match(run, { state: 'completed', result: 'done', attempt: 1 }, mode)
    t.strictSame(errorsOf(run.id).toSorted(), ['in a callback', 'unhandled'], mode)
  }
  const after = await ended('after.thread')
  await until('it is reported', () => errorsOf(after.id).length === 1)
  t.match(await ended('late.thread'), { state: 'completed' }, 'the thread is still usable')
  t.match(await ended('forges.process'), { state: 'completed', result: 'done' }, 'forged messages are ignored')
})

t.test('the log of a task is bounded, and its last lines are kept [F29]', SLOW, async t => {
  const { ended, manager, noticesOf } = await everywhere(t, {
    talks: `
        for (let n = 0; n < 50_000; n++) { ctx.log.info('line ' + n); ctx.progress.update(n, 'x'.repeat(100)) }
        ctx.log.warn('y'.repeat(1e7))
        return 1`
  })
  for (const mode of ['thread', 'process']) {
    const { id, progress } = await ended(`talks.${mode}`)
    const lines = await manager.desk.logs({ id, after: 0, limit: 5000 })
    t.equal(lines.length, 2500, mode)
    t.equal(lines[2000]!.text, '[47502 lines left out]', mode)
    t.match(lines.at(-2)!.text, 'line 49999', mode)
    t.match(progress, { current: 49_999 }, mode)
    const settled = () =>
      noticesOf('settled').find(notice => notice.kind === 'settled' && notice.run.id === id) as Extract<Notice,
        { kind: 'settled' }>
    await until('it is settled', settled)
    t.ok(settled().used!.cpu_seconds > 0.01 && settled().used!.memory_peak_bytes > 1e6,
      `${mode}: its usage is measured`)
  }
})
