import t from 'tap'
import { cli, place, serve } from './setup.ts'
import { until } from '../load/until.ts'
import { encodeId, prefixTimes } from '../../core/model/run/id.ts'

const cwd = place(t)
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
    code: 1,
    err: "offpeak: No run has the id 'ehco'\n  Did you mean 'echo'? List the runs with `offpeak runs`.\n"
  })
  t.match(await ask('run', 'ecco'), { code: 1, err: /No task has the id 'ecco'\n {2}Did you mean 'echo'\?/ })
  t.match(await ask('runs', '--state', 'hedl'), { code: 2, err: /\n {2}Did you mean 'held'\?\n/ })
  t.match(await ask('show', '6h0'), { code: 1, err: /No run has the id '6h0'/ })
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
