import t from 'tap'
import { closed, opened } from '../../core/model/run/checkpoint.ts'
import { defineTask } from '../../core/load/define/define.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { fakeSenses } from './fake-senses.ts'
import { home } from '../manager/home.ts'
import { harness } from './harness.ts'
import { fullRunView } from '../../core/model/view/run-view.ts'
import { runWords } from '../../core/cli/terminal/run-words.ts'
import { systemClock } from '../../core/model/base/clock.ts'
import { taskOf } from '../task.ts'
import { until } from '../clock.ts'
import type { Owner } from './harness.ts'
import type { Task } from '../../core/model/task/task.ts'
import type { TaskContext } from '../../core/model/task/context.ts'

/** A run whose first attempt saves a state and does a step; `again` lets it continue under another definition. */
async function deployed (t: Owner, over: Partial<Task>) {
  const seen: unknown[] = []
  const func = async (ctx: TaskContext) => {
    seen.push([await ctx.checkpoint.read(), ctx.checkpoint.changed])
    const step = await ctx.step('part', () => ctx.attempt)
    await ctx.step(`attempt ${ctx.attempt}`, () => null)
    if (ctx.attempt < 3) {
      if (ctx.attempt === 1) await ctx.checkpoint.save({ page: 7 })
      throw new Error('interrupted')
    }
    await ctx.checkpoint.save({ page: 8 })
    return [step, ctx.checkpoint.changed]
  }
  const task = { work: { kind: 'function', func } as const, version: 'one', ...over }
  const it = await harness(t, { tasks: [task] })
  const { run } = await it.desk.enqueue('work')
  const again = async (attempts: number, more: Partial<Task>) => {
    await until(`attempt ${attempts} has failed`,
      async () => (await it.engine.get(run.id))!.attempts.length === attempts)
    await it.runner.settled()
    it.tasks.set('work', taskOf({ ...task, ...more }))
    it.clock.advance(3_600_000)
    it.runner.wake()
  }
  return { ...it, run, seen, again }
}

t.test('a checkpoint survives a deploy and is marked as changed until it is saved again [F11]', async t => {
  const it = await deployed(t, {})
  await it.again(1, { version: 'two' })
  await it.again(2, { version: 'two' })
  await it.reach(it.run.id, 'completed')
  t.strictSame(it.seen, [[null, false], [{ page: 7 }, true], [{ page: 7 }, true]], 'a step does not clear the mark')
  const full = (await it.engine.get(it.run.id))!
  t.strictSame(full.result, [1, false])
  t.match(runWords({ ...fullRunView(full, 0), held: null }), /^checkpoint saved by version two$/m)
  t.notMatch(runWords({ ...fullRunView({ ...full, checkpoint: { page: 7 } }, 0), held: null }), /^checkpoint/m,
    'the version that saved it is unknown')
  t.strictSame(fullRunView(full, 0).checkpoint, {
    version: 'two',
    state: { page: 8 },
    steps: ['part', 'attempt 1', 'attempt 2', 'attempt 3']
  })
  t.same(it.noticesOf('begun_anew'), [])
})

t.test('on_changed restart: a run drops the state and steps of another version and logs it once', async t => {
  const it = await deployed(t, { on_changed: 'restart' })
  await it.again(1, { version: 'one' })
  await it.again(2, { version: 'two' })
  await it.reach(it.run.id, 'completed')
  t.strictSame(it.seen, [[null, false], [{ page: 7 }, false], [null, false]],
    'the same version continues from its state')
  t.strictSame((await it.engine.get(it.run.id))!.result, [3, false])
  t.match(it.noticesOf('begun_anew'), [{ id: it.run.id, task: 'work', saved: 'one', version: 'two' }])
  const lines = await it.desk.logs({ id: it.run.id, after: 0, limit: 9 })
  t.match(lines, [{ attempt: 3, text: /begins without its checkpoint/, data: { saved: 'one', version: 'two' } }])
})

t.test('a run that starts over and fails has lost the checkpoint of the other version', async t => {
  const it = await deployed(t, { on_changed: 'restart' })
  const func = (ctx: TaskContext) => {
    throw new Error(String(ctx.checkpoint.changed))
  }
  await it.again(1, { version: 'two', work: { kind: 'function', func } })
  await until('the second attempt has failed', async () => (await it.engine.get(it.run.id))!.attempts.length === 2)
  t.equal((await it.engine.get(it.run.id))!.checkpoint, null)
})

t.test('a state stored without a version is read and counts as unchanged', t => {
  t.same(opened({ page: 7 }), { state: { page: 7 }, steps: {}, version: null })
  t.same(opened({ offpeak_steps: { a: 1 }, state: 2 }), { state: 2, steps: { a: 1 }, version: null })
  t.same(opened(closed({ state: { offpeak_steps: 1 }, steps: {}, version: 'v' })), {
    state: { offpeak_steps: 1 },
    steps: {},
    version: 'v'
  })
  t.end()
})

t.test('the version depends on the text of the file or function, not on config.json', t => {
  const define = (more: object) =>
    defineTask({
      definition: { id: 'a', func: () => 1 },
      config: defaultsOf('UTC'),
      source: 'a.ts',
      contentHash: 'x',
      pointer: '',
      ...more
    }).version
  const first = define({})
  t.match(first, /^[\w-]{16,}$/)
  t.equal(define({ override: { enabled: false, timeout: 5 } }), first)
  t.not(define({ contentHash: 'y' }), first)
  t.not(define({ contentHash: '' }), define({ contentHash: '', definition: { id: 'a', func: () => 2 } }))
  t.equal(define({ contentHash: '' }), define({ contentHash: '' }))
  t.end()
})

const FILE = (word: string) => `
const func = async (ctx: any): Promise<unknown> => {
  const before = [await ctx.checkpoint.read(), ctx.checkpoint.changed]
  if ('${word}' === 'new') return before
  await ctx.checkpoint.save('${word}')
  ctx.retryAfter(3600, 'wait for the deploy')
}
export const TASK_DEFINITIONS = ['inline', 'thread', 'process'].flatMap(isolation =>
  ['keep', 'restart'].map(on_changed =>
  ({ id: on_changed + '.' + isolation, func, isolation, on_changed, max_retries: 1 })))
`

t.test('a deploy between two attempts is also detected in a thread and in a process', { timeout: 240_000 }, async t => {
  const it = await home(t, { files: { 'deploy.ts': FILE('old') }, senses: fakeSenses(systemClock).senses })
  const { desk, engine, catalog } = it.manager
  await it.manager.start()
  const ids = [...catalog.tasks.keys()].toSorted()
  const runs = await Promise.all(ids.map(async id => (await desk.enqueue(id)).run.id))
  for (const run of runs) {
    await until('the first attempt is over', async () => (await engine.get(run))!.attempts.length === 1)
  }
  const { version } = catalog.tasks.get(ids[0]!)!
  it.write('backgroundtask/deploy.ts', FILE('new'))
  await until('the new version is in force', async () => catalog.tasks.get(ids[0]!)!.version !== version)
  for (const run of runs) await desk.bulk.promote(run, { by: 'test' })
  for (const run of runs) await until('it is over', async () => (await engine.get(run))!.state === 'completed')
  const results = await Promise.all(runs.map(async run => (await engine.get(run))!.result))
  t.strictSame(Object.fromEntries(ids.map((id, index) => [id, results[index]])), {
    'keep.inline': ['old', true],
    'keep.process': ['old', true],
    'keep.thread': ['old', true],
    'restart.inline': [null, false],
    'restart.process': [null, false],
    'restart.thread': [null, false]
  })
})
