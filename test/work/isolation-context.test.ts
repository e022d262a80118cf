import t from 'tap'
import { MODES, SLOW, everywhere } from './everywhere.ts'
import type { FullRun } from '../../core/model/run/run.ts'
import type { StoredLine } from '../../core/engine/reports.ts'

/** Uses every part of the context, and fails its first attempt. */
const ALL = `
      ctx.log.info({ file: 'a', password: 'hunter2' }, 'working on %s', 'it')
      ctx.log.error({ err: new TypeError('odd') }, 'odd')
      ctx.progress.setStage('counting', 3, 'rooms')
      ctx.progress.advance(3, 'the last room')
      ctx.progress.setStage('copying')
      ctx.progress.setTotal(10, 'files')
      ctx.progress.advance(2)
      ctx.progress.advance(5, 'seven')
      const before = await ctx.checkpoint.read()
      await ctx.checkpoint.save({ ...before, ['attempt' + ctx.attempt]: new Date(0) })
      if (ctx.attempt === 1) throw new RangeError('not yet')
      await ctx.breathe()
      return { payload: ctx.payload, task: typeof ctx.task, id: ctx.run_id.length, due: Date.parse(ctx.due_at) > 0,
        aborted: ctx.signal.aborted, before, now: await ctx.checkpoint.read(), config: ctx.services.config,
        swept: await ctx.services.offpeak.sweep(), hints: ctx.hints, big: 10n, none: undefined }`

/** What must be equal in each isolation: no instants and no rates. */
function summary (run: FullRun, lines: StoredLine[]) {
  const { state, attempt, progress, result, attempts } = run
  const logged = lines.map(({ level, text, data, attempt: of }) => ({
    level,
    text,
    of,
    file: (data as { file?: string }).file,
    password: (data as { password?: string }).password,
    type: (data as { err?: { type: string } }).err?.type
  }))
  return {
    state,
    attempt,
    result,
    logged,
    progress: { ...progress, rate: null, eta: null, at: 0 },
    failed: { name: attempts[0]!.error!.name, message: attempts[0]!.error!.message, outcome: attempts[0]!.outcome }
  }
}

t.test('payload, log, progress, checkpoint, retry, services and result are the same in each isolation', SLOW,
  async t => {
    const { ended, manager } = await everywhere(t, {
      all: ALL
    }, { config: { services: { folder: '/srv' } } })
    const [inline, ...others] = await Promise.all(MODES.map(async mode => {
      const run = await ended(`all.${mode}`, { payload: { n: 1 } })
      const lines = await manager.desk.logs({ id: run.id, after: 0, limit: 20 })
      return summary(run, lines)
    }))
    t.match(inline, {
      state: 'completed',
      attempt: 2,
      failed: { name: 'RangeError', message: 'not yet', outcome: 'failed' },
      progress: { stage: 'copying', current: 7, total: 10, unit: 'files', message: 'seven', percentage: 70 },
      result: {
        payload: { n: 1 },
        config: { folder: '/srv' },
        before: { attempt1: '1970-01-01T00:00:00.000Z' },
        big: '10',
        swept: 0
      },
      logged: [{ level: 30, text: 'working on it', file: 'a', password: '[redacted]', of: 1 }, {
        level: 50,
        type: 'TypeError'
      }, { of: 2 }, { of: 2 }]
    })
    for (const [index, other] of others.entries()) t.strictSame(other, inline, MODES[index + 1] ?? '')
  })
