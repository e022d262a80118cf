import t from 'tap'
import { TASKS, cli, place, serve } from './setup.ts'
import { until } from '../load/until.ts'
import { encodeId, prefixTimes } from '../../core/model/run/id.ts'

// The name of the queue of all tasks, too.
const DEFAULT = "export default { id: 'default', tags: ['net'], func: () => 1 }"
const cwd = place(t, {}, { ...TASKS, 'default.mjs': DEFAULT })
await serve(t, [], { cwd })
const ask = (...words: string[]) => cli(words, { cwd })
const json = async (...words: string[]) => JSON.parse((await ask(...words, '--json')).out)
const withoutRun = await ask('show', 'echo')
const first = await json('run', 'echo', '--wait', '--payload', '1')
const last = await json('run', 'echo', '--wait', '--payload', '2')

t.test('a task without a run is an error', async t => {
  t.match(withoutRun, {
    code: 2,
    err: "offpeak: The task 'echo' has no run yet\n  Start one with `offpeak run echo`.\n"
  })
})

t.test('the task stands for its last run', async t => {
  t.match(await json('show', 'echo'), { id: last.id })
  t.match((await ask('show', 'echo')).out, new RegExp(`^run +${last.id}\n`))
  t.match((await ask('logs', 'echo')).out, /received .*\{"received":2\}/)
  t.match((await ask('retry', 'echo')).out, new RegExp(`^${last.id} `))
  await until(async () => (await json('show', 'echo')).state === 'completed')
  t.match((await ask('delete', 'echo')).out, `${last.id} is deleted\n`)
  t.match(await json('show', 'echo'), { id: first.id }, 'now another one is the last')
})

t.test('logs of a run without a log say why it has none', async t => {
  const { id } = await json('run', 'echo', '--delay', '1h')
  t.match(await ask('logs', id), {
    code: 0,
    out: '',
    err: `${id} is scheduled: it has no log yet (offpeak why ${id})\n`
  })
  t.strictSame(await ask('logs', id, '--json'), { code: 0, out: '', err: '' }, 'JSON has only lines')
  t.match(await ask('cancel', id), { code: 0 })
  t.equal((await ask('logs', id)).err, `${id} was cancelled: it has no log\n`)
  t.match(await ask('delete', id), { code: 0 })
  const { id: skipped } = await json('run', 'skips', '--wait')
  t.notMatch(await ask('logs', skipped), { err: /has no log yet/ })
  const { id: running } = await json('run', 'stays')
  await until(async () => (await json('show', running)).state === 'running')
  t.equal((await ask('logs', running)).err, `${running} is running: it has logged nothing yet\n`)
  await ask('cancel', running)
  await until(async () => (await json('show', running)).state === 'cancelled')
  t.equal((await ask('logs', 'echo')).err, '', 'a run with a log needs no hint')
})

t.test('a beginning that only one run has is enough', async t => {
  const stays = await json('run', 'stays')
  const skips = await json('run', 'skips', '--wait')
  const alike = (id: string) => [...id].findIndex((digit, at) => digit !== skips.id[at]) + 1
  const enough = Math.max(alike(stays.id), alike(first.id))
  t.match(await json('show', skips.id.slice(0, enough)), { id: skips.id })
  t.match((await ask('why', skips.id.slice(0, enough))).out, new RegExp(`run ${skips.id}`))
  const shared = skips.id.slice(0, 4)
  t.match(await ask('cancel', shared), {
    code: 2,
    err: new RegExp(`^offpeak: Several runs begin with '${shared}': .*${skips.id} \\(skips\\).*\n  Add characters`)
  })
  t.match(await json('show', stays.id), { state: 'running' }, 'none was cancelled')
  t.match((await ask('cancel', 'stays')).out, `${stays.id} was asked to stop\n`)
})

t.test('what is meant is suggested', async t => {
  t.match(await ask('show', 'ehco'), {
    code: 2,
    err: "offpeak: No run has the id 'ehco'\n  Did you mean 'echo'? List the runs with `offpeak runs`.\n"
  })
  t.match(await ask('run', 'ecco'), { code: 2, err: /No task has the id 'ecco'\n {2}Did you mean 'echo'\?/ })
  t.match(await ask('runs', '--state', 'hedl'), { code: 2, err: /\n {2}Did you mean 'held'\?\n/ })
  t.match(await ask('show', '6h0'), { code: 2, err: /No run has the id '6h0'/ })
})

t.test('a run waits for the last run of a task, or for one by the beginning of its id', async t => {
  const { id: one } = await json('run', 'echo', '--wait', '--payload', '3')
  const { id } = await json('enqueue', 'echo', '--after', 'stays:done', '--after', 'echo', '--after', one.slice(0, -2))
  const { id: stays } = await json('show', 'stays')
  t.match(await json('show', id), {
    after: [{ run: stays, condition: 'done' }, { run: one, condition: 'completed' }, { run: one }]
  })
  t.match(await json('run', 'echo', '--after', 'echo', '--wait'), { after: [{ run: id }], state: 'completed' })
  t.match(await ask('enqueue', 'echo', '--after', 'stays:faild'), { code: 2, err: /Did you mean 'stays:failed'\?/ })
  t.match(await ask('run', 'echo', '--after', 'ehco'), { code: 2, err: /Did you mean 'echo'\?/ })
  const bulk = { cwd, input: '{"payload": 4}\n{"payload": 5}' }
  await cli(['enqueue', 'echo', '--bulk', '-', '--after', 'echo'], bulk)
  const { items: added } = await json('runs', '--task', 'echo', '--limit', '2')
  const [{ after: [{ run: before }] }] = [await json('show', added[0].id)]
  t.match(await json('show', added[1].id), { after: [{ run: before }] }, 'all of them for the same run')
})

t.test('a name alone is paused when only a task, a queue or a tag has it', async t => {
  t.match((await ask('pause', 'echo')).out, /^task:echo is paused/)
  t.match((await ask('pause', 'net')).out, /^tag:net is paused/)
  t.match(await ask('pause', 'default'), {
    code: 2,
    err: "offpeak: 'default' is the name of a task and a queue\n  Use task:default or queue:default.\n"
  })
  t.match(await ask('pause', 'ehco'), { code: 2, err: /no task, queue or tag 'ehco'\n {2}Did you mean 'echo'\?/ })
  await ask('pause', 'queue:default')
  t.match((await ask('resume', 'default')).out, /^queue:default is resumed/, 'only the queue was paused')
  t.match(await ask('resume', 'default'), { code: 2, err: /a task and a queue/ })
  for (const name of ['echo', 'net']) t.match(await ask('resume', name), { code: 0, out: `:${name} is resumed` })
  t.strictSame(await json('pauses'), [])
})

t.test('the beginning of an id says when it was made', async t => {
  const at = Date.parse('2026-11-22T03:00:00Z')
  const id = encodeId(at * 4096 + 7)
  for (let length = 1; length <= id.length; length++) {
    const { from, to } = prefixTimes(id.slice(0, length))!
    t.ok(from <= at && at < to, `${length} characters`)
    if (length === 6) t.ok(to - from < 60_000)
  }
  t.equal(prefixTimes('hello'), null, 'no id has an o')
})

t.test('with --json an error is one problem on standard output, with the exit code of its kind', async t => {
  for (const [words, code, problem] of [
    [['show', 'nope'], 2, { code: 'OFFPEAK_RUN_NOT_FOUND', status: 404, detail: /No run has the id 'nope'/ }],
    [['run', 'ecco'], 2, { code: 'OFFPEAK_TASK_NOT_FOUND', fix: /'echo'/ }],
    [['pause', 'ecco'], 2, { code: 'OFFPEAK_USAGE_INVALID', fix: /'echo'/ }],
    [['queues', 'nope'], 2, { code: 'OFFPEAK_QUEUE_NOT_FOUND' }],
    [['runs', '--nope'], 2, { code: 'OFFPEAK_USAGE_INVALID', detail: /^unknown option/ }],
    [['import', 'crontab', 'nofile'], 2, { code: 'OFFPEAK_USAGE_INVALID', detail: 'There is no file nofile' }],
    [['tasks', '--url', 'http://127.0.0.1:9'], 1, { code: 'OFFPEAK_SERVER_UNREACHABLE' }]
  ] as const) {
    const output = await ask(...words, '--json')
    t.equal(output.code, code, words.join(' '))
    t.match(JSON.parse(output.out), { type: /^urn:offpeak:problem:/, ...problem }, words.join(' '))
    t.match(output.err, /^offpeak: /, 'and in words on standard error')
  }
  t.equal((await ask('show', 'nope')).out, '', 'without --json there is no JSON')
})
